import assert from 'node:assert/strict'
import { renderValuesJson } from '../../../src/chart/values-json.ts'
import { refusal } from './archive-refusals.ts'

describe('renderValuesJson', () => {
  const values: readonly (readonly [title: string, yaml: string, json: string])[] = [
    ['nothing', '', '{}'],
    ['comments', '# a: 1\n', '{}'],
    ['null', '~\n', 'null'],
    ['texts and nesting', 'a: {b: [x, "1", ""]}\n', '{"a":{"b":["x","1",""]}}'],
    ['the words of YAML 1.1', 'a: [yes, off, ~, "yes"]\n', '{"a":[true,false,null,"yes"]}'],
    [
      'integers of 64 bits',
      'a: [18446744073709551615, 0777, 0x1F, 1_000]\n',
      '{"a":[18446744073709551615,511,31,1000]}',
    ],
    [
      'floats with all their digits',
      'a: [1.10, 123456789.125, 1e3, 1e-7]\n',
      '{"a":[1.1,123456789.125,1000,1e-7]}',
    ],
    ['floats that JSON has not, as text', 'a: [.inf, -.inf, .nan]\n', '{"a":["+Inf","-Inf","NaN"]}'],
    ['keys that are numbers or words', '1: a\ntrue: b\n', '{"1":"a","true":"b"}'],
    ['a key of JavaScript', '__proto__: {a: 1}\n', '{"__proto__":{"a":1}}'],
    ['anchors and merges', 'a: &a {b: c}\nd:\n  <<: *a\n', '{"a":{"b":"c"},"d":{"b":"c"}}'],
    ['the first of several documents', 'a: 1\n---\nb: 2\n', '{"a":1}'],
    ['characters that JSON escapes', 'a: "\\"\\n\\u2028é"\n', '{"a":"\\"\\n\u2028é"}'],
  ]
  for (const [title, yaml, json] of values) {
    it(`renders ${title}`, () => {
      assert.equal(renderValuesJson(yaml), json)
      JSON.parse(renderValuesJson(yaml))
    })
  }

  it('refuses what js-yaml cannot read', () => {
    assert.throws(() => renderValuesJson('a: [b}\n'), refusal('values.yaml is not YAML'))
  })
})
