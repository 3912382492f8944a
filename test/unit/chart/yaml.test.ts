import assert from 'node:assert/strict'
import { parseYaml, parseYamlDocuments } from '../../../src/chart/yaml.ts'
import { isYamlList, isYamlMap, type YamlValue } from '../../../src/chart/yaml-composer.ts'
import { refusal } from './archive-refusals.ts'

const FILE = { name: 'Chart.yaml', maxLength: 1000 }

/** What sigs.k8s.io/yaml 1.4.0 made of each, with the scalars as text. */
const ACCEPTED: readonly (readonly [title: string, text: string, value: unknown])[] = [
  ['takes the last of two equal keys', 'a: b\na: c', { a: 'c' }],
  [
    'keeps quoted scalars as they are',
    `a: '1.10'\nb: "yes"\nc: |-\n  0x1F`,
    { a: '1.10', b: 'yes', c: '0x1F' },
  ],
  ['keeps scalars with the tag of strings', 'a: !!str 1.10', { a: '1.10' }],
  ['ignores unknown tags', 'a: !x 1.10\nb: !x [1]\nc: !x {d: 1}', { a: '1.10', b: ['1'], c: { d: '1' } }],
  ['reads scalar keys as text', 'yes: a\n1.10: b\n0x10: c', { true: 'a', '1.1': 'b', '16': 'c' }],
  ['writes aliases out', 'a: &x [b]\nc: *x', { a: ['b'], c: ['b'] }],
  ['takes an alias for the last node of its name', 'a: &x 1\nb: &x 2\nc: *x', { a: '1', b: '2', c: '2' }],
  ['takes an alias for a key', 'a: &x b\n*x : c', { a: 'b', b: 'c' }],
  ['merges maps', '<<: {a: 1, b: 2}', { a: '1', b: '2' }],
  ['lets a key after a merge win', '<<: {a: 1}\na: 2', { a: '2' }],
  ['lets a merge after a key win', 'a: 2\n<<: {a: 1}', { a: '1' }],
  ['lets the first of several merged maps win', '<<: [{a: 1}, {a: 2, b: 3}]', { a: '1', b: '3' }],
  ['does not merge by a quoted key', '"<<": {a: 1}', { '<<': { a: '1' } }],
  ['skips a byte order mark at the start', '\ufeffa: b', { a: 'b' }],
  ['keeps what looks like a prototype', '__proto__: {a: b}', Object.fromEntries([['__proto__', { a: 'b' }]])],
  ['reads a document that ends with three points', 'a: b\n...\n', { a: 'b' }],
  ['reads a document without content as null', '---', ''],
]

const REFUSED: readonly (readonly [title: string, text: string, message: string])[] = [
  ['what is no YAML, with the line', 'a: b\nc: [', 'Chart.yaml is not YAML: line 2: "unexpected end'],
  ['several documents', 'a: b\n---\na: c', 'several YAML documents'],
  ['a document after the end of the first', 'a: b\n---\n', 'several YAML documents'],
  ['a version directive', '%YAML 1.2\n---\na: b', 'a YAML directive'],
  ['a tag directive', '%TAG !! tag:example.org:\n---\na: !!str b', 'a YAML directive'],
  ['a text that is too long', 'a'.repeat(1001), 'longer than 1000 characters'],
  ['control characters', 'a: b\x00', 'control characters'],
  ['DEL', 'a: b\x7f', 'control characters'],
  ['a line break of YAML 1.1 only', 'a: b\u0085c: d', 'control characters'],
  ['a line separator', 'a: b\u2028c: d', 'control characters'],
  ['a byte order mark further on', 'a: b\n\ufeffc: d', 'control characters'],
  ['half a surrogate pair', 'a: \ud800', 'control characters'],
  ['an escape for half a surrogate pair', 'a: "\\ud800"', 'an escape that is not a character'],
  ['an escape beyond Unicode', 'a: "\\U00110000"', 'an escape that is not a character'],
  ['an alias without an anchor', 'a: *x', 'refers to "x", which is not defined before it'],
  ['an alias before its anchor', 'a: *x\nb: &x c', 'refers to "x"'],
  ['an alias to what it is in', 'a: &x [*x]', 'refers to "x"'],
  ['an alias to what it is in, of a name used before', 'a: &x 1\nb: &x [*x]', 'refers to "x"'],
  ['a bomb of aliases', aliasBomb(), 'too long with its aliases written out'],
  [
    'long texts by aliases',
    `a: &x ${'y'.repeat(300)}\nb: [*x, *x, *x]`,
    'too long with its aliases written out',
  ],
  ['many keys by merges', `a: &x {${'k: v, '.repeat(100)}}\nb: [{<<: *x}, {<<: *x}, {<<: *x}]`, 'too long'],
  ['a merge of no map', '<<: 1', 'merges (<<) something that is no map'],
  ['a merge of a list of no maps', '<<: [{a: b}, c]', 'merges (<<) something that is no map'],
  ['a null key', '~: a', 'a map with a key that is no text'],
  ['a list as a key', '? [a]\n: b', 'a map with a key that is no text'],
  ['a map as a key', '? {a: b}\n: c', 'a map with a key that is no text'],
  ['a tag that changes the value', 'a: !!binary aGVsbG8=', 'uses the YAML tag "!!binary"'],
  ['a tag that changes the type', 'a: !!int "5"', 'uses the YAML tag "!!int"'],
  ['a tag in its long form', 'a: !<tag:yaml.org,2002:int> "5"', 'uses the YAML tag'],
  ['nesting of more than 100 levels', '['.repeat(101) + ']'.repeat(101), 'Chart.yaml is not YAML'],
]

describe('parseYaml', () => {
  for (const [title, text, value] of ACCEPTED) {
    it(title, () => {
      assert.deepEqual(plain(parseYaml(text, FILE)), value)
    })
  }

  for (const [title, text, message] of REFUSED) {
    it(`refuses ${title}`, () => {
      assert.throws(() => parseYaml(text, FILE), refusal(message))
    })
  }

  it('finds nothing in a text without content', () => {
    assert.equal(parseYaml('', FILE), undefined)
    assert.equal(parseYaml('# only a comment', FILE), undefined)
  })
})

describe('parseYamlDocuments', () => {
  it('reads each document by itself', () => {
    const documents = parseYamlDocuments('a: &x b\n---\n---\n- c', FILE)
    assert.deepEqual(documents.map(plain), [{ a: 'b' }, '', ['c']])
  })

  it('knows no anchor of another document', () => {
    assert.throws(() => parseYamlDocuments('a: &x b\n---\na: *x', FILE), refusal('refers to "x"'))
  })
})

/** Nine levels of nine aliases: 387 million scalars in some 300 characters. */
function aliasBomb(): string {
  const levels = Array.from(
    { length: 8 },
    (_, level) => `b${level + 1}: &b${level + 1} [${`*b${level}, `.repeat(9)}]`,
  )
  return ['b0: &b0 x', ...levels].join('\n')
}

function plain(value: YamlValue | undefined): unknown {
  if (value === undefined) return undefined
  if (isYamlMap(value)) return Object.fromEntries(Array.from(value, ([key, item]) => [key, plain(item)]))
  return isYamlList(value) ? value.map(plain) : value.text
}
