import assert from 'node:assert/strict'
import { parseChartMetadata } from '../../../src/chart/metadata.ts'
import { withRequirements } from '../../../src/chart/requirements.ts'
import { refusal } from './archive-refusals.ts'

const CHART_YAML = 'apiVersion: v1\nname: demo\nversion: 1.2.3\n'
const METADATA = parseChartMetadata(CHART_YAML)

describe('withRequirements', () => {
  it('adds the dependencies', () => {
    const { dependencies, name } = withRequirements(METADATA, 'dependencies:\n- name: db\n  version: 1.10\n')
    assert.deepEqual(dependencies, [{ name: 'db', version: '1.1' }])
    assert.equal(name, 'demo')
  })

  it('changes nothing for a file without dependencies', () => {
    for (const text of ['', '# none', 'dependencies: []', 'digest: abc']) {
      assert.deepEqual(withRequirements(METADATA, text), METADATA)
    }
  })

  it('takes the dependencies that Chart.yaml has as well', () => {
    const metadata = parseChartMetadata(`${CHART_YAML}dependencies: [{name: db}]`)
    assert.deepEqual(withRequirements(metadata, 'dependencies: [{name: db}]'), metadata)
  })

  const refused: readonly (readonly [title: string, requirements: string, message: string])[] = [
    ["a name, which Helm would take for the chart's", 'name: evil', 'requirements.yaml: name would replace'],
    ['a version in any case', 'VERSION: 9.9.9', 'requirements.yaml: version would replace'],
    ['annotations', 'annotations: {a: b}', 'requirements.yaml: annotations would replace'],
    [
      'other dependencies than those of Chart.yaml',
      'dependencies: [{name: b}]',
      'differ from those of Chart.yaml',
    ],
    ['a list', '[]', 'requirements.yaml is a list, and must be a map'],
    ['a dependency without a name', 'dependencies: [{}]', 'requirements.yaml: dependencies[0] has no name'],
  ]
  for (const [title, requirements, message] of refused) {
    it(`refuses ${title}`, () => {
      const metadata = parseChartMetadata(`${CHART_YAML}dependencies: [{name: a}]`)
      assert.throws(() => withRequirements(metadata, requirements), refusal(message))
    })
  }
})
