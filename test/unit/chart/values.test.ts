import assert from 'node:assert/strict'
import { checkValues } from '../../../src/chart/values.ts'
import { refusal } from './archive-refusals.ts'

describe('checkValues', () => {
  const accepted: readonly (readonly [title: string, values: string])[] = [
    ['a map', 'a: 1\n'],
    ['no content', ''],
    ['only comments', '# a: 1\n'],
    ['null', '~\n'],
    ['several maps', 'a: 1\n---\nb: 2\n---\n'],
    ['equal keys', 'a: 1\na: 2\n'],
    ['unknown tags', 'a: !vault b\n'],
    ['a bracket that closes at the margin', 'a: [\n  1\n]\nb: {\n}\n'],
    ['anchors and merges', 'a: &a {b: c}\nd:\n  <<: *a\n'],
  ]
  for (const [title, values] of accepted) {
    it(`accepts ${title}`, () => {
      checkValues(values)
    })
  }

  const refused: readonly (readonly [title: string, values: string, message: string])[] = [
    ['a list', '- a\n', 'values.yaml must be a map'],
    ['a text', 'a\n', 'values.yaml must be a map'],
    ['a document that is no map', 'a: 1\n---\n- b\n', 'values.yaml must be a map'],
    ['what is no YAML', 'a: [b}\n', 'values.yaml is not YAML'],
    ['more than 1 MiB', '#'.repeat(1024 * 1024 + 1), 'values.yaml is longer than 1048576 characters'],
    ['more than 1 MiB by aliases', aliases(), 'values.yaml is too long with its aliases written out'],
  ]
  for (const [title, values, message] of refused) {
    it(`refuses ${title}`, () => {
      assert.throws(() => {
        checkValues(values)
      }, refusal(message))
    })
  }
})

function aliases(): string {
  return `a: &a ${'x'.repeat(100_000)}\nb: [${'*a, '.repeat(11)}]\n`
}
