import assert from 'node:assert/strict'
import { helmIndex } from '../../../bench/data/helm-index.ts'
import { chartVersions } from '../../../bench/data/chart-versions.ts'
import { momentsOf } from '../../../bench/works/changing-upstream.ts'
import { mirrorChecks, type Refresh } from '../../../bench/works/mirror-figures.ts'
import { type IndexBatch, readIndexEntries } from '../../../src/mirror/index-entries.ts'

const base = new URL('https://charts.example.org/index.yaml')

function read(bytes: Buffer): readonly IndexBatch[] {
  return [...readIndexEntries(bytes, { base, filters: { exclude: [], prereleases: true } })]
}

describe("the benchmark's upstream", () => {
  it('has an index that a mirror reads chart by chart', () => {
    const batches = read(helmIndex(chartVersions({ seed: 1, count: 12, shape: { each: 4 } })))
    assert.deepEqual(
      batches.map(({ entries, refused }) => [entries.length, refused.length]),
      [
        [4, 0],
        [4, 0],
        [4, 0],
      ],
    )
  })

  it('changes with each step as that says, and has another ETag then', () => {
    const steps = ['first', 'unchanged', 'one new version', 'all changed', 'one new version'] as const
    const moments = [...momentsOf({ charts: 2, each: 3, steps })]
    assert.deepEqual(
      moments.map(({ etag }) => etag),
      ['"0"', '"0"', '"1"', '"2"', '"3"'],
    )
    const fragments = moments.map(({ bytes }) =>
      read(bytes).flatMap(({ entries }) => entries.map(({ fragment }) => fragment)),
    )
    const added = fragments.map((own, place) => {
      const before = new Set(fragments[place - 1])
      return own.filter((fragment) => !before.has(fragment)).length
    })
    assert.deepEqual(added, [6, 0, 1, 7, 1])
  })
})

describe("the mirror's figures", () => {
  const refresh = (step: Refresh['step'], fromMs: number, toMs: number, blockMs: number): Refresh => {
    return { step, fromMs, toMs, blockMs }
  }

  it('are the medians of each step, and the slowest reads of both times', () => {
    const refreshes = [
      refresh('first', 0, 100, 40),
      refresh('unchanged', 200, 204, 2),
      refresh('all changed', 300, 400, 60),
      refresh('unchanged', 500, 506, 4),
    ]
    const reads = [
      { fromMs: 90, toMs: 199 },
      { fromMs: 110, toMs: 120 },
      { fromMs: 190, toMs: 201 },
      { fromMs: 390, toMs: 420 },
      { fromMs: 420, toMs: 440 },
    ]
    const checks = mirrorChecks({ title: 'few', refreshes, reads, quietBlocksMs: [1, 3, 8] })
    assert.deepEqual(
      checks.map(({ title, value }) => [title, Number(value.toFixed(3))]),
      [
        ['refresh of a mirror, few: first', 100],
        ['refresh of a mirror, few: unchanged', 5],
        ['refresh of a mirror, few: all changed', 100],
        ["index GET during a mirror's refresh ÷ between refreshes, p99, few", 1.498],
        ["longest block of the event loop during a mirror's refresh, few", 60],
      ],
    )
    const [, , , p99, block] = checks
    assert.deepEqual([p99?.from?.['GETs during'], p99?.from?.['GETs between']], [2, 2])
    assert.deepEqual(block?.from, {
      first: 40,
      unchanged: 3,
      'all changed': 60,
      'between refreshes, median': 3,
    })
  })
})
