import { deepEqual, equal, throws } from 'node:assert/strict'
import { parseChartVersion } from '../../../src/chart/version.ts'
import { compileFilters, compileNameFilter, type Filters } from '../../../src/mirror/filters.ts'

const CANDIDATES = [
  'nginx 1.9.0',
  'nginx 1.10.0',
  'nginx 2.0.0-rc.1',
  'nginx-ingress 0.9.0',
  'redis 3.0.0',
].map((text) => {
  const [name = '', version = ''] = text.split(' ')
  return { name, version: parseChartVersion(version) }
})

function select(filters: Partial<Filters>): readonly string[] {
  const filter = compileFilters({ exclude: [], prereleases: true, ...filters })
  return filter(CANDIDATES).map(({ name, version }) => `${name} ${version}`)
}

describe('the filters of a mirror', () => {
  it('take everything where nothing is said', () => {
    equal(select({}).length, CANDIDATES.length)
  })

  it('include by name and by pattern', () => {
    deepEqual(select({ include: [{ chart: { exact: 'nginx' } }, { chart: { glob: 'red*' } }] }), [
      'nginx 1.9.0',
      'nginx 1.10.0',
      'nginx 2.0.0-rc.1',
      'redis 3.0.0',
    ])
  })

  it('read ranges as Helm does: a pre-release only where the range names one', () => {
    const chart = { exact: 'nginx' }
    deepEqual(select({ include: [{ chart, versions: '>=1.10.0' }] }), ['nginx 1.10.0'])
    deepEqual(select({ include: [{ chart, versions: '>=1.10.0-0' }] }), ['nginx 1.10.0', 'nginx 2.0.0-rc.1'])
  })

  it('exclude what is included', () => {
    const include = [{ chart: { glob: 'nginx*' } }]
    const exclude = [{ chart: { exact: 'nginx' }, versions: '<1.10.0' }]
    deepEqual(select({ include, exclude }), ['nginx 1.10.0', 'nginx 2.0.0-rc.1', 'nginx-ingress 0.9.0'])
  })

  it('leave pre-releases out', () => {
    deepEqual(select({ include: [{ chart: { exact: 'nginx' } }], prereleases: false }), [
      'nginx 1.9.0',
      'nginx 1.10.0',
    ])
  })

  it('keep the newest of each chart, of what the others leave', () => {
    deepEqual(select({ keepLast: 1, prereleases: false }), [
      'nginx 1.10.0',
      'nginx-ingress 0.9.0',
      'redis 3.0.0',
    ])
  })

  it('refuse a range that is none', () => {
    throws(() => select({ exclude: [{ chart: { glob: '**' }, versions: 'newest' }] }), {
      code: 'chart-unknown',
    })
  })

  it('say which names can matter at all', () => {
    const isWanted = compileNameFilter({
      include: [{ chart: { glob: 'nginx*' } }],
      exclude: [],
      prereleases: true,
    })
    deepEqual([isWanted('nginx-ingress'), isWanted('redis')], [true, false])
  })
})
