import assert from 'node:assert/strict'
import { parseChartMetadata } from '../../../src/chart/metadata.ts'
import { refusal } from './archive-refusals.ts'

const REQUIRED = 'apiVersion: v2\nname: demo\nversion: 1.2.3\n'

describe('parseChartMetadata', () => {
  it('reads every field that Helm knows', () => {
    const metadata = {
      apiVersion: 'v2',
      name: 'demo',
      version: '1.2.3',
      kubeVersion: '>=1.25.0',
      description: 'A demo',
      type: 'library',
      keywords: ['a', 'b'],
      home: 'https://example.org',
      sources: ['https://example.org/source'],
      dependencies: [
        {
          name: 'db',
          version: '^1.0.0',
          repository: 'https://example.org/charts',
          condition: 'db.enabled',
          tags: ['back-end'],
          enabled: true,
          'import-values': ['data', { child: 'default', parent: 'mine' }, { parent: 'only' }],
          alias: 'my_db-1',
        },
      ],
      maintainers: [{ name: 'Ann', email: 'ann@example.org', url: 'https://example.org/ann' }],
      icon: 'https://example.org/icon.svg',
      appVersion: '4.5',
      deprecated: true,
      annotations: { 'example.org/key': 'two\nlines' },
      condition: 'x',
      tags: 'y',
    }
    assert.deepEqual(parseChartMetadata(JSON.stringify(metadata)), metadata)
  })

  it('drops fields that Helm does not know, at every level', () => {
    assert.deepEqual(parseChartMetadata(`${REQUIRED}engine: gotpl\nmaintainers: [{name: a, team: b}]`), {
      apiVersion: 'v2',
      name: 'demo',
      version: '1.2.3',
      maintainers: [{ name: 'a' }],
    })
  })

  it('leaves out what is empty, as Helm does', () => {
    const empty =
      'description: ""\nhome: ~\nkeywords: []\nannotations: {}\ndeprecated: false\ndependencies: ~\ntype: ""'
    assert.deepEqual(Object.keys(parseChartMetadata(`${REQUIRED}${empty}`)), [
      'apiVersion',
      'name',
      'version',
    ])
  })

  it('takes an absent apiVersion for v1', () => {
    assert.equal(parseChartMetadata('name: demo\nversion: 1.2.3').apiVersion, 'v1')
  })

  it('turns numbers and booleans into the text that Helm reads', () => {
    const metadata = parseChartMetadata(
      `${REQUIRED}appVersion: 1.10\nkeywords: [yes, 0777, ~]\nannotations: {a: 1e3, 1: true, b: ~}\n` +
        'dependencies: [{name: 0x1F, version: 1.0, tags: [1]}]',
    )
    assert.equal(metadata.appVersion, '1.1')
    assert.deepEqual(metadata.keywords, ['true', '511', ''])
    assert.deepEqual(metadata.annotations, { a: '1000', '1': 'true', b: '' })
    assert.deepEqual(metadata.dependencies, [{ name: '31', version: '1', tags: ['1'] }])
  })

  it('puts text on one line and drops what cannot be printed, as Helm does', () => {
    const metadata = parseChartMetadata(
      `${REQUIRED}description: "a\\nb\\tc\\x01d\\u200be\\u00a0é"\nkeywords: ["a\\nb"]`,
    )
    assert.equal(metadata.description, 'a b cde é')
    assert.deepEqual(metadata.keywords, ['a b'])
  })

  it('finds fields in any case, as Go does', () => {
    const metadata = parseChartMetadata('APIVersion: v2\nNAME: demo\nver\u017fion: 1.2.3\nappversion: "4"')
    assert.deepEqual(metadata, { apiVersion: 'v2', name: 'demo', version: '1.2.3', appVersion: '4' })
  })

  it('keeps an annotation that is named like a prototype', () => {
    const { annotations } = parseChartMetadata(`${REQUIRED}annotations: {__proto__: a}`)
    assert.deepEqual(Object.entries(annotations ?? {}), [['__proto__', 'a']])
  })

  it('takes an annotation key of 998 characters, which is 1,000 with its quotes', () => {
    const key = 'a'.repeat(998)
    assert.deepEqual(parseChartMetadata(`${REQUIRED}annotations: {? ${key} : b}`).annotations, { [key]: 'b' })
  })

  const refused: readonly (readonly [title: string, chartYaml: string, message: string])[] = [
    ['an empty file', '', 'Chart.yaml: name is missing'],
    ['a list', '[]', 'Chart.yaml is a list, and must be a map'],
    ['a text', 'demo', 'Chart.yaml is text, and must be a map'],
    ['an absent version', 'name: demo', 'Chart.yaml: version is missing'],
    ['an empty name', 'name: ""\nversion: 1.2.3', 'Chart.yaml: name is missing'],
    ['a name that is no chart name', 'name: Demo\nversion: 1.2.3', 'not a chart name: "Demo"'],
    ['a name with control characters', 'name: "de\\x01mo"\nversion: 1.2.3', 'not a chart name'],
    ['a version that is no SemVer 2 version', 'name: demo\nversion: 1.10', 'not a SemVer 2 version: "1.1"'],
    ['a field in two spellings', `${REQUIRED}Name: other`, 'has name twice, as "name" and "Name"'],
    ['a file that is too long', `${REQUIRED}#${' '.repeat(256 * 1024)}`, 'longer than 262144 characters'],
    ...refusedFields(),
    ...refusedDependencies(),
  ]
  for (const [title, chartYaml, message] of refused) {
    it(`refuses ${title}`, () => {
      assert.throws(() => parseChartMetadata(chartYaml), refusal(message))
    })
  }
})

function refusedFields(): readonly (readonly [string, string, string])[] {
  const rows: readonly (readonly [string, string, string])[] = [
    ['another apiVersion', 'apiVersion: v3', 'apiVersion is "v3", and must be v1 or v2'],
    ['another type', 'type: plugin', 'type is "plugin", and must be application or library'],
    ['a list for a text', 'description: [a]', 'Chart.yaml: description is a list, and must be text'],
    ['a map for a text', 'icon: {a: b}', 'Chart.yaml: icon is a map, and must be text'],
    ['a map for a list', 'keywords: {a: b}', 'Chart.yaml: keywords is a map, and must be a list'],
    ['a text for a list', 'sources: a', 'Chart.yaml: sources is text, and must be a list'],
    [
      'a list in a list of texts',
      'keywords: [a, [b]]',
      'Chart.yaml: keywords[1] is a list, and must be text',
    ],
    [
      'a quoted boolean',
      'deprecated: "true"',
      'deprecated is text, and must be true or false, without quotes',
    ],
    ['a number for a boolean', 'deprecated: 1', 'deprecated is a number, and must be true or false'],
    ['a list for a boolean', 'deprecated: []', 'deprecated is a list, and must be true or false'],
    ['a list for a map', 'annotations: [a]', 'Chart.yaml: annotations is a list, and must be a map'],
    [
      'a boolean for a map',
      'annotations: yes',
      'Chart.yaml: annotations is true or false, and must be a map',
    ],
    ['a map in annotations', 'annotations: {a: {b: c}}', 'annotations["a"] is a map, and must be text'],
    ['a long annotation key', `annotations: {? ${'a'.repeat(999)} : b}`, 'too long for older clients'],
    ['an empty maintainer', 'maintainers: [~]', 'Chart.yaml: maintainers[0] is empty, and must be a map'],
    [
      'a maintainer that is a text',
      'maintainers: [{name: a}, b]',
      'maintainers[1] is text, and must be a map',
    ],
    [
      'a list for a name of a maintainer',
      'maintainers: [{name: []}]',
      'Chart.yaml: maintainers[0].name is a list',
    ],
  ]
  return rows.map(([title, field, message]) => [title, `name: demo\nversion: 1.2.3\n${field}`, message])
}

function refusedDependencies(): readonly (readonly [string, string, string])[] {
  const rows: readonly (readonly [string, string, string])[] = [
    ['an empty dependency', '[~]', 'Chart.yaml: dependencies[0] is empty, and must be a map'],
    ['a dependency without a name', '[{version: "1"}]', 'Chart.yaml: dependencies[0] has no name'],
    [
      'an alias with a point',
      '[{name: a, alias: b.c}]',
      'dependencies[0].alias is "b.c", and must be of letters',
    ],
    ['an alias with a line feed', '[{name: a, alias: "b\\n"}]', 'dependencies[0].alias is "b\\n"'],
    ['a dependency twice', '[{name: a}, {name: a, version: "2"}]', 'dependencies name "a" more than once'],
    ['an alias that is a name', '[{name: a}, {name: b, alias: a}]', 'dependencies name "a" more than once'],
    [
      'a quoted enabled',
      '[{name: a, enabled: "true"}]',
      'dependencies[0].enabled is text, and must be true or false',
    ],
    [
      'a number to import',
      '[{name: a, import-values: [1]}]',
      'import-values[0] is a number, and must be text',
    ],
    ['a list to import', '[{name: a, import-values: [[b]]}]', 'import-values[0] is a list, and must be text'],
    ['a number as a child', '[{name: a, import-values: [{child: 1}]}]', 'import-values[0].child is a number'],
  ]
  return rows.map(([title, list, message]) => [title, `${REQUIRED}dependencies: ${list}`, message])
}
