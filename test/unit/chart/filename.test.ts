import assert from 'node:assert/strict'
import { archiveFilename, findArchiveFilename, readingsOf } from '../../../src/chart/filename.ts'
import { parseChartName } from '../../../src/chart/name.ts'
import { parseChartVersion } from '../../../src/chart/version.ts'
import { refusal } from './archive-refusals.ts'

describe('archiveFilename', () => {
  it('joins name and version', () => {
    assert.equal(filenameOf('demo', '0.2.0+build.5'), 'demo-0.2.0+build.5.tgz')
  })

  it('gives two charts the same name, which the catalog has to refuse', () => {
    assert.equal(filenameOf('a-1.0.0', '2.0.0'), filenameOf('a', '1.0.0-2.0.0'))
  })

  it('allows 250 characters, which leaves room for .prov', () => {
    assert.equal(filenameOf('x'.repeat(240), '1.0.0').length, 250)
    assert.throws(() => filenameOf('x'.repeat(241), '1.0.0'), refusal('longer than a disk allows'))
  })
})

describe('findArchiveFilename', () => {
  for (const filename of ['demo-0.2.0+build.5.tgz', 'a-v1.0.0-RC.1.tgz', `${'x'.repeat(240)}-1.0.0.tgz`]) {
    it(`finds ${filename.slice(0, 30)}`, () => {
      assert.equal(findArchiveFilename(filename), filename)
    })
  }

  const refused = [
    '',
    '.tgz',
    'demo-0.1.0.tar.gz',
    'demo-0.1.0.tgz.prov',
    '../a-1.0.0.tgz',
    'a/b-1.0.0.tgz',
    'a-1.0.0.tgz\n',
  ]
  for (const filename of [
    ...refused,
    '-1.0.0.tgz',
    'A-1.0.0.tgz',
    'a b.tgz',
    'a%2e.tgz',
    `${'x'.repeat(241)}-1.0.0.tgz`,
  ]) {
    it(`finds none in ${JSON.stringify(filename.slice(0, 30))}`, () => {
      assert.equal(findArchiveFilename(filename), undefined)
    })
  }
})

function filenameOf(name: string, version: string): string {
  return archiveFilename(parseChartName(name), parseChartVersion(version))
}

describe('readingsOf', () => {
  const readings: readonly (readonly [stem: string, charts: readonly string[]])[] = [
    ['demo-0.1.0', ['demo 0.1.0']],
    ['cert-manager-v1.2.3-rc.1+build', ['cert-manager v1.2.3-rc.1+build']],
    ['a-1.0.0-2.0.0', ['a 1.0.0-2.0.0', 'a-1.0.0 2.0.0']],
    ['a-1.0.0-b-2.0.0', ['a 1.0.0-b-2.0.0', 'a-1.0.0-b 2.0.0']],
    ['a-1.0.0-2.0.0-3.0.0', ['a 1.0.0-2.0.0-3.0.0', 'a-1.0.0 2.0.0-3.0.0', 'a-1.0.0-2.0.0 3.0.0']],
    ['a-01.0.0', []],
    ['a-1.0', []],
    ['-1.0.0', []],
    ['', []],
  ]
  for (const [stem, charts] of readings) {
    it(`reads ${stem || 'an empty text'} as ${charts.join(' or ') || 'no chart'}`, () => {
      assert.deepEqual(
        readingsOf(stem).map(({ name, version }) => `${name} ${version}`),
        charts,
      )
    })
  }
})
