import assert from 'node:assert/strict'
import { CORE_SCHEMA, load } from 'js-yaml'
import { CONFIG_TEMPLATE } from '../../../src/cli/config-template.ts'
import { renderJsonSchema } from '../../../src/config/json-schema.ts'
import { configSchema } from '../../../src/config/schema.ts'
import { violations, type JsonSchema } from '../../support/json-schema.ts'

const SCHEMA = JSON.parse(renderJsonSchema()) as JsonSchema

function parse(yaml: string): unknown {
  return load(yaml, { schema: CORE_SCHEMA })
}

/** The template's settings that stand there as comments, behind the grants and the prose about them. */
function withExamples(template: string): unknown {
  const comments = template.slice(template.indexOf('\n# groups:'))
  const lines = comments.split('\n').map((line) => line.replace(/^# (?=[a-zA-Z]+:| )/, ''))
  const settings = lines.filter((line) => /^(?:[a-zA-Z]+:| {2,}[-a-zA-Z])/.test(line))
  // A setting without a value is one that has no default to show.
  return JSON.parse(JSON.stringify(parse(settings.join('\n')), (_key, value: unknown) => value ?? undefined))
}

describe('the JSON Schema of chartroom.yaml', () => {
  it('accepts the file that init writes', () => {
    assert.deepEqual(violations(SCHEMA, parse(CONFIG_TEMPLATE)), [])
  })

  it('accepts every example that the file holds as a comment, as the program does', () => {
    const examples = withExamples(CONFIG_TEMPLATE)
    assert.deepEqual(violations(SCHEMA, examples), [])
    const { data, error } = configSchema.safeParse(examples)
    assert.equal(error, undefined)
    assert.deepEqual(Object.keys(data.groups), ['team-a'])
    assert.ok(data.repositories.length > 1)
  })

  const refused: readonly (readonly [string, string, string])[] = [
    ['an unknown setting', 'lisen: x', '.lisen'],
    ['an unknown setting of a section', 'tls: { clientCA: [] }', '.tls.clientCA'],
    [
      'an unknown setting of a repository',
      'repositories: [{ name: a, overwrit: never }]',
      '.repositories.0.overwrit',
    ],
    ['a repository without its name', 'repositories: [{}]', '.repositories.0.name'],
    [
      'an unknown attribute',
      'access: [{ who: { on: x }, may: [read], repositories: all }]',
      '.access.0.who.on',
    ],
    ['an unknown action', 'access: [{ who: {}, may: [reed], repositories: all }]', '.access.0.may.0'],
    ['an unknown attribute of a member', 'groups: { a: [{ group: b }] }', '.groups.a.0.group'],
    ['a word that is none', 'overwrite: sometimes', '.overwrite'],
    ['an empty path', "storage: ''", '.storage'],
  ]
  for (const [what, yaml, path] of refused) {
    it(`refuses ${what}`, () => {
      assert.deepEqual(violations(SCHEMA, parse(yaml)), [path])
    })
  }
})
