import { deepEqual, equal } from 'node:assert/strict'
import { archiveFilename } from '../../../src/chart/filename.ts'
import { parseChartName } from '../../../src/chart/name.ts'
import { parseChartVersion, versionSortKey } from '../../../src/chart/version.ts'
import { batchSlices, joiningSlices } from '../../../src/mirror/batch-slices.ts'
import { type IndexBatch } from '../../../src/mirror/index-entries.ts'

const demo = parseChartName('demo')

function batchOf(entries: number, refused: number): IndexBatch {
  const versions = Array.from({ length: entries }, (_, patch) => parseChartVersion(`1.0.${patch}`))
  return {
    entries: versions.map((version) => ({
      name: demo,
      version,
      sortKey: versionSortKey(version),
      filename: archiveFilename(demo, version),
      digest: undefined,
      createdAt: undefined,
      urls: [],
      fragment: '',
    })),
    refused: Array.from({ length: refused }, (_, place) => ({
      name: 'demo',
      version: `${place}`,
      reason: '',
    })),
  }
}

describe('slices of a batch', () => {
  it('are small, and make the batch again with the last one', () => {
    for (const [entries, refused, count] of [
      [0, 0, 1],
      [1, 0, 1],
      [200, 0, 1],
      [201, 0, 2],
      [20_000, 1, 100],
      [3, 450, 3],
    ] as const) {
      const batch = batchOf(entries, refused)
      const slices = [...batchSlices(batch)]
      equal(slices.length, count)
      const { add } = joiningSlices()
      const joined = slices.map((slice) => add(slice))
      deepEqual(joined, [...Array<undefined>(count - 1).fill(undefined), batch])
    }
  })

  it('of one batch after the other are kept apart', () => {
    const { add } = joiningSlices()
    const batches = [batchOf(250, 0), batchOf(1, 1)]
    deepEqual(
      batches.flatMap((batch) => [...batchSlices(batch)].flatMap((slice) => add(slice) ?? [])),
      batches,
    )
  })
})
