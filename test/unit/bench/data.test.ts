import assert from 'node:assert/strict'
import { readChartArchive } from '../../../src/chart/archive.ts'
import { archiveFilename } from '../../../src/chart/filename.ts'
import { Readable } from 'node:stream'
import { archiveOf } from '../../../bench/data/archives.ts'
import { chartVersions } from '../../../bench/data/chart-versions.ts'

describe("the benchmark's data", () => {
  const request = { seed: 1, count: 2000, shape: 'many' } as const

  it('are the same for the same seed, and others for another', () => {
    const versions = [...chartVersions(request)]
    assert.equal(versions.length, request.count)
    assert.deepEqual([...chartVersions(request)], versions)
    assert.notDeepEqual([...chartVersions({ ...request, seed: 2 })], versions)
  })

  it('have no file name twice, few versions in most charts and many in some', () => {
    const versions = [...chartVersions(request)]
    const names = versions.map(({ name, version }) => archiveFilename(name, version))
    assert.equal(new Set(names).size, request.count)
    const sizes = [...Map.groupBy(versions, ({ name }) => name).values()].map((own) => own.length)
    assert.ok(Math.min(...sizes) < 10)
    assert.ok(Math.max(...sizes) > 100)
  })

  it('can be one huge chart', () => {
    const versions = [...chartVersions({ ...request, shape: 'one' })]
    assert.deepEqual([new Set(versions.map(({ name }) => name)).size, versions.length], [1, request.count])
  })

  it('make valid archives of the size that is asked for', async () => {
    const [metadata] = chartVersions({ ...request, count: 1 })
    assert.ok(metadata !== undefined)
    const archive = await archiveOf(metadata, 300_000)
    assert.ok(Math.abs(archive.length - 300_000) < 3000, `${archive.length} bytes`)
    assert.deepEqual((await readChartArchive(Readable.from([archive]))).metadata, metadata)
  })
})
