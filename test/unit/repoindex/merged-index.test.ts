import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseChartVersion, versionSortKey } from '../../../src/chart/version.ts'
import { mergeIndexes, type IndexMember } from '../../../src/repoindex/merged-index.ts'
import { RenderedIndex } from '../../../src/repoindex/rendered-index.ts'
import { traceOf, updateMerged } from '../../../src/repoindex/update-merged.ts'

const go = (): undefined => undefined

/** What a member is made from: versions by chart, and who sees which of them. */
interface Source {
  readonly charts: Readonly<Record<string, readonly string[]>>
  readonly kept?: readonly string[]
  /** All, unless given. */
  readonly sees?: readonly string[]
  /** What its versions say, to tell members apart; also how large an entry is. */
  readonly label?: string
}

async function member({ charts, kept = [], sees, label = '' }: Source, revision = 1): Promise<IndexMember> {
  const versions = Object.keys(charts)
    .sort()
    .flatMap((name) =>
      (charts[name] ?? [])
        .map((version) => ({
          name,
          sortKey: versionSortKey(parseChartVersion(version)),
          fragment: JSON.stringify({ name, version, label }),
        }))
        .sort((a, b) => (a.sortKey > b.sortKey ? -1 : 1)),
    )
  const changedAt = new Date(Date.UTC(2026, 0, revision))
  const whole = await RenderedIndex.render({ revision, changedAt, versions: [versions] })
  return {
    whole,
    shown: sees === undefined ? whole : await whole.restrictedTo((name) => sees.includes(name), go),
    kept: new Set(kept),
  }
}

async function members(sources: readonly Source[]): Promise<readonly IndexMember[]> {
  return Promise.all(sources.map((source) => member(source)))
}

function entriesOf(index: RenderedIndex): unknown {
  return (JSON.parse(Buffer.concat(index.toBuffers()).toString()) as { readonly entries: unknown }).entries
}

/** By the rules, without any thought of cost. */
function naive(sources: readonly Source[]): Record<string, object[]> {
  const entries: Record<string, object[]> = {}
  const taken = new Set<string>()
  const files = new Set<string>()
  for (const { charts, kept = [], sees = Object.keys(charts), label = '' } of sources) {
    const own = Object.entries(charts).filter(([name]) => !taken.has(name))
    for (const [name, versions] of own) {
      const left = inOrder(versions.filter((version) => !files.has(`${name}-${version}`)))
      if (left.length > 0 && sees.includes(name)) {
        entries[name] = left.map((version) => ({ name, version, label }))
      }
    }
    for (const [name, versions] of own) for (const version of versions) files.add(`${name}-${version}`)
    for (const name of [...Object.keys(charts), ...kept]) taken.add(name)
  }
  return entries
}

function inOrder(versions: readonly string[]): readonly string[] {
  const keys = versions.map((version) => versionSortKey(parseChartVersion(version)))
  return keys
    .sort()
    .reverse()
    .map((key) => key.slice(key.lastIndexOf(' ') + 1))
}

const NAMES = ['a', 'a-1.0.0', 'a-1.0.0-b', 'b', 'b-2.0.0', 'web', 'web-api', 'z']
const VERSIONS = ['1.0.0', '2.0.0', '1.0.0-2.0.0', '1.0.0-b-2.0.0', '1.0.0-b-1.0.0', '0.1.0-rc.1']

const charts = fc.dictionary(
  fc.constantFrom(...NAMES),
  fc.uniqueArray(fc.constantFrom(...VERSIONS), { minLength: 1 }),
)

/** No two charts of one repository have the same file name: the catalog sees to that. */
function withoutClashes(charts: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  const files = new Set<string>()
  const kept = Object.entries(charts).map(([name, versions]) => {
    const own = versions.filter((version) => !files.has(`${name}-${version}`))
    for (const version of own) files.add(`${name}-${version}`)
    return [name, own] as const
  })
  return Object.fromEntries(kept.filter(([, versions]) => versions.length > 0).map(([n, v]) => [n, [...v]]))
}

const source = fc
  .record(
    {
      charts: charts.map(withoutClashes),
      kept: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
      sees: fc.uniqueArray(fc.constantFrom(...NAMES)),
      // Some so large that a few versions fill a segment.
      label: fc
        .tuple(fc.string({ maxLength: 3 }), fc.constantFrom(1, 100_000))
        .map(([l, n]) => l + '.'.repeat(n)),
    },
    { requiredKeys: ['charts', 'label'] },
  )
  .map(({ kept = [], ...rest }) => ({ ...rest, kept: kept.filter((name) => !(name in rest.charts)) }))

describe('a merged index', () => {
  it('has of each chart the versions of the first member that has its name', async () => {
    const index = await mergeIndexes(
      await members([
        { charts: { b: ['1.0.0'], z: ['1.0.0'] }, label: 'local' },
        { charts: { a: ['1.0.0'], b: ['9.0.0'] }, label: 'mirror' },
      ]),
      go,
    )
    assert.deepEqual(entriesOf(index), {
      a: [{ name: 'a', version: '1.0.0', label: 'mirror' }],
      b: [{ name: 'b', version: '1.0.0', label: 'local' }],
      z: [{ name: 'z', version: '1.0.0', label: 'local' }],
    })
  })

  it('leaves out a name that its owner does not show', async () => {
    const upstream = { charts: { secret: ['9.9.9'], open: ['1.0.0'] } }
    const hidden = { charts: { secret: ['1.0.0'] }, sees: [] }
    assert.deepEqual(
      Object.keys(entriesOf(await mergeIndexes(await members([hidden, upstream]), go)) as object),
      ['open'],
    )
    const [local, mirror] = await members([hidden, upstream])
    assert.ok(local !== undefined && mirror !== undefined)
    const index = await mergeIndexes([{ ...local, shown: undefined }, mirror], go)
    assert.deepEqual(Object.keys(entriesOf(index) as object), ['open'])
  })

  it('leaves out a name that an earlier member keeps', async () => {
    const index = await mergeIndexes(
      await members([{ charts: {}, kept: ['gone'] }, { charts: { gone: ['1.0.0'] } }]),
      go,
    )
    assert.deepEqual(entriesOf(index), {})
  })

  it('leaves out a version whose file name is that of an earlier member', async () => {
    const first = { charts: { 'a-1.0.0': ['2.0.0'] } }
    const second = { charts: { a: ['1.0.0', '1.0.0-2.0.0'] } }
    const versionsOf = async (sources: readonly Source[]): Promise<unknown> => {
      const entries = entriesOf(await mergeIndexes(await members(sources), go)) as Record<string, object[]>
      return Object.entries(entries).map(([name, versions]) => `${name} ${versions.length}`)
    }
    assert.deepEqual(await versionsOf([first, second]), ['a 1', 'a-1.0.0 1'])
    assert.deepEqual(await versionsOf([second, first]), ['a 2'])
  })

  it('is as new as its members together', async () => {
    const index = await mergeIndexes(
      [await member({ charts: {} }, 3), await member({ charts: {} }, 7), await member({ charts: {} }, 5)],
      go,
    )
    assert.equal(index.revision, 15)
    assert.deepEqual(index.changedAt, new Date(Date.UTC(2026, 0, 7)))
  })

  it('shares the segments that no chart of another member is within', async () => {
    const names = Array.from({ length: 40 }, (_, place) => `chart-${place}`)
    const large = {
      charts: Object.fromEntries(names.map((name) => [name, ['1.0.0']])),
      label: 'x'.repeat(100_000),
    }
    const sources = await members([{ charts: { 'chart-20': ['1.0.0'] } }, large])
    const index = await mergeIndexes(sources, go)
    const own = new Set(sources[1]?.whole.segments)
    const made = index.segments.filter((segment) => !own.has(segment))
    assert.ok(own.size >= 8, 'there is something to share')
    assert.ok(made.length <= 2, `${made.length} of ${index.segments.length} segments were rendered`)
  })

  it('equals the naive merge, for any members and scopes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(source, { minLength: 1, maxLength: 4 }), async (sources) => {
        const index = await mergeIndexes(await members(sources), go)
        assert.deepEqual(entriesOf(index), naive(sources))
        assert.deepEqual(Object.keys(entriesOf(index) as object), Object.keys(naive(sources)).sort())
      }),
      { numRuns: 150 },
    )
  })

  it('is brought up to date to what merging anew gives', async () => {
    const change = fc.record({ place: fc.nat({ max: 3 }), source })
    await fc.assert(
      fc.asyncProperty(
        fc.array(source, { minLength: 1, maxLength: 4 }),
        fc.array(change, { minLength: 1, maxLength: 5 }),
        async (sources, changes) => {
          let known = await members(sources)
          let index = await mergeIndexes(known, go)
          let wanted = [...sources]
          for (const [step, { place, source: next }] of changes.entries()) {
            wanted = wanted.with(place % wanted.length, next)
            const now = [...known].with(place % wanted.length, await member(next, step + 2))
            const updated = await updateMerged(index, traceOf(known), now, go)
            assert.ok(updated)
            assert.deepEqual(entriesOf(updated), naive(wanted))
            index = updated
            known = now
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('renders one segment anew when one version is new, of however many', async () => {
    const names = Array.from({ length: 40 }, (_, place) => `chart-${place}`)
    const label = 'x'.repeat(100_000)
    const [local, mirror] = await members([
      { charts: { 'chart-20': ['1.0.0'] } },
      { charts: Object.fromEntries(names.map((name) => [name, ['1.0.0']])), label },
    ])
    assert.ok(local !== undefined && mirror !== undefined)
    const before = await mergeIndexes([local, mirror], go)
    const place = { name: 'chart-7', sortKey: versionSortKey(parseChartVersion('2.0.0')) }
    const update = { revision: 2, changedAt: new Date(), versions: [{ ...place, fragment: '{}' }] }
    const whole = await mirror.whole.update(update, go)
    const trace = traceOf([local, mirror])
    const after = await updateMerged(before, trace, [local, { ...mirror, whole, shown: whole }], go)
    assert.ok(after)
    const shared = new Set(before.segments)
    assert.equal(after.segments.filter((segment) => !shared.has(segment)).length, 1)
  })

  it('is not brought up to date where too much has changed', async () => {
    const many = Array.from({ length: 2_001 }, (_, place) => [`chart-${place}`, ['1.0.0']] as const)
    const [before, now] = await members([{ charts: {} }, { charts: Object.fromEntries(many) }])
    assert.ok(before !== undefined && now !== undefined)
    const index = await mergeIndexes([before], go)
    assert.equal(await updateMerged(index, traceOf([before]), [now], go), undefined)
  })
})
