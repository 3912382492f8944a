import assert from 'node:assert/strict'
import fc from 'fast-check'
import { jsonForYaml } from '../../../src/repoindex/entry.ts'
import { RenderedIndex, type IndexedVersion } from '../../../src/repoindex/rendered-index.ts'
import { type Segment } from '../../../src/repoindex/segment.ts'
import { descendingKey, indexSource } from '../../support/whole-index.ts'

const at = new Date('2026-01-02T03:04:05Z')
const go = (): undefined => undefined

function render(charts: Readonly<Record<string, readonly string[]>>): Promise<RenderedIndex> {
  return RenderedIndex.render(indexSource(charts))
}

function entriesOf(index: RenderedIndex): unknown {
  return (JSON.parse(textOf(index)) as { readonly entries: unknown }).entries
}

function textOf(index: RenderedIndex): string {
  return Buffer.concat(index.toBuffers()).toString()
}

/** A fragment large enough that a few versions fill a segment. */
function bulky(name: string, bytes = 200_000): string {
  return JSON.stringify({ name, description: 'x'.repeat(bytes) })
}

describe('RenderedIndex', () => {
  it('is the index that Helm reads, in JSON', async () => {
    const index = await render({ b: ['{"version":"2.0.0"}', '{"version":"1.0.0"}'], a: ['{}'] })
    assert.deepEqual(JSON.parse(textOf(index)), {
      apiVersion: 'v1',
      generated: at.toISOString(),
      serverInfo: { contextPath: '' },
      entries: { a: [{}], b: [{ version: '2.0.0' }, { version: '1.0.0' }] },
    })
  })

  it('is a valid index without charts', async () => {
    assert.deepEqual(entriesOf(await render({})), {})
  })

  it('gives the entries alone for the API', async () => {
    const entries = async (charts: Readonly<Record<string, readonly string[]>>): Promise<unknown> =>
      JSON.parse(Buffer.concat((await render(charts)).entriesToBuffers()).toString())
    assert.deepEqual(await entries({ a: ['{}'] }), { a: [{}] })
    assert.deepEqual(await entries({}), {})
  })

  it('is one buffer while it is small', async () => {
    assert.equal((await render({ a: ['{}'] })).toBuffers().length, 1)
  })

  it('shows only the charts that a scope covers', async () => {
    const index = await render({ a: ['{}'], b: ['{}'], c: ['{}'] })
    assert.deepEqual(entriesOf(await index.restrictedTo((name) => name !== 'b', go)), { a: [{}], c: [{}] })
    assert.deepEqual(entriesOf(await index.restrictedTo(() => false, go)), {})
  })

  it('gives names by their place, and charts by their names', async () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f']
    const charts = Object.fromEntries(names.map((name) => [name, [bulky(name), bulky(name), '{}']]))
    const index = await render(charts)
    assert.equal(index.size, 6)
    assert.deepEqual(index.namesBetween(0, Infinity), names)
    assert.deepEqual(index.namesBetween(1, 4), ['b', 'c', 'd'])
    assert.deepEqual(index.namesBetween(6, 9), [])
    const page = await index.only(['b', 'c', 'e', 'unknown'], go)
    assert.equal(textOf(page), textOf(await index.restrictedTo((name) => 'bce'.includes(name), go)))
    assert.deepEqual(Object.keys(entriesOf(page) as object), ['b', 'c', 'e'])
  })

  it('is after any sequence of changes what a fresh rendering gives', async () => {
    const version = fc.record({
      name: fc.constantFrom('a', 'b', 'aa', 'ba'),
      sortKey: fc.constantFrom('1', '2', '3', '10'),
      fragment: fc.constantFrom(
        undefined,
        '{}',
        '{"é":1}',
        bulky('x'),
        bulky('y', 400_000),
        bulky('z', 90_000),
      ),
    })
    const change = fc.uniqueArray(version, {
      selector: ({ name, sortKey }) => `${name} ${sortKey}`,
      maxLength: 6,
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { maxLength: 8 }), async (changes) => {
        const state = new Map<string, IndexedVersion>()
        let index = await render({})
        let view = index
        for (const [place, versions] of changes.entries()) {
          for (const { fragment, ...id } of versions) {
            if (fragment === undefined) state.delete(keyOf(id))
            else state.set(keyOf(id), { ...id, fragment })
          }
          const next = { revision: place + 2, changedAt: at }
          index = await index.update({ ...next, versions }, go)
          view = await view.update({ ...next, versions: versions.filter(isSeen) }, go)
          const fresh = await RenderedIndex.render({ ...next, versions: [inOrder(state.values())] })
          assert.equal(textOf(index), textOf(fresh))
          assert.deepEqual(index.namesBetween(0, index.size), fresh.namesBetween(0, fresh.size))
          assert.equal(textOf(view), textOf(await fresh.restrictedTo((name) => isSeen({ name }), go)))
          JSON.parse(textOf(index))
        }
      }),
      { numRuns: 60 },
    )
  }).timeout(30_000)
})

function keyOf({ name, sortKey }: { readonly name: string; readonly sortKey: string }): string {
  return `${name} ${sortKey}`
}

function isSeen({ name }: { readonly name: string }): boolean {
  return name.startsWith('a')
}

function inOrder(versions: Iterable<IndexedVersion>): IndexedVersion[] {
  return [...versions].sort((a, b) =>
    a.name === b.name ? (a.sortKey > b.sortKey ? -1 : 1) : a.name < b.name ? -1 : 1,
  )
}

describe('a change in a RenderedIndex', () => {
  const FRAGMENT = bulky('x', 100)

  /** So many versions, of one chart or spread over many. */
  function rendered(versions: number, charts: number): Promise<RenderedIndex> {
    const each = Array<string>(versions / charts).fill(FRAGMENT)
    return render(Object.fromEntries(Array.from({ length: charts }, (_, place) => [chartName(place), each])))
  }

  function chartName(place: number): string {
    return `chart-${String(place).padStart(5, '0')}`
  }

  /** What is in the one and not in the other. */
  function madeAnew(before: RenderedIndex, after: RenderedIndex): readonly Segment[] {
    const known = new Set(before.segments)
    return after.segments.filter((segment) => !known.has(segment))
  }

  for (const [versions, charts] of [
    [1_000, 100],
    [10_000, 1_000],
    [100_000, 1_000],
    [100_000, 1],
  ] as const) {
    it(`costs one segment among ${versions} versions of ${charts} charts`, async () => {
      let index = await rendered(versions, charts)
      const name = chartName(Math.floor(charts / 2))
      const changes = [
        { name, sortKey: `${descendingKey(versions / charts / 2)}.5`, fragment: FRAGMENT },
        { name, sortKey: '9999999', fragment: FRAGMENT },
        { name: 'chart-new', sortKey: '1', fragment: FRAGMENT },
        { name, sortKey: '9999999', fragment: undefined },
      ]
      for (const [place, change] of changes.entries()) {
        const next = await index.update({ revision: 2 + place, changedAt: at, versions: [change] }, go)
        const made = madeAnew(index, next)
        const bytes = made.reduce((sum, segment) => sum + segment.bytes.length, 0)
        assert.ok(made.length <= 2, `${made.length} segments`)
        assert.ok(bytes <= 512 * 1024, `${bytes} bytes`)
        index = next
      }
    }).timeout(10_000)
  }

  it('leaves a slow reader of the revision before with one segment of its own', async () => {
    const before = await rendered(10_000, 1_000)
    const change = { name: chartName(500), sortKey: '9999999', fragment: FRAGMENT }
    const after = await before.update({ revision: 2, changedAt: at, versions: [change] }, go)
    const sent = new Set(after.toBuffers().map(({ buffer }) => buffer))
    const held = before.toBuffers().filter(({ buffer }) => !sent.has(buffer))
    const large = held.filter(({ length }) => length > 1_000)
    assert.equal(large.length, 1)
    assert.ok(after.segments.length > 2)
  })

  it('keeps segments between an eighth and the whole of a megabyte, whatever comes and goes', async () => {
    let index = await rendered(10_000, 1)
    for (let step = 0; step < 40; step += 1) {
      const versions = Array.from({ length: 300 }, (_, place) => ({
        name: chartName(0),
        sortKey: descendingKey((step % 20) * 300 + place),
        fragment: step < 20 ? undefined : FRAGMENT,
      }))
      index = await index.update({ revision: 2 + step, changedAt: at, versions }, go)
      const sizes = index.segments.map(({ bytes }) => bytes.length)
      assert.ok(
        sizes.slice(0, -1).every((size) => size >= 128 * 1024 && size <= 512 * 1024),
        sizes.join(),
      )
    }
  })

  it('lets others have their turn between the segments that it makes', async () => {
    const index = await rendered(100_000, 1)
    let pauses = 0
    const versions = [0, 30_000, 60_000, 90_000].map((place) => ({
      name: chartName(0),
      sortKey: descendingKey(place),
      fragment: '{}',
    }))
    await index.update({ revision: 2, changedAt: at, versions }, () => {
      pauses += 1
      return undefined
    })
    assert.ok(pauses >= 4)
  })
})

describe('jsonForYaml', () => {
  it('escapes what YAML 1.1 cannot print, and nothing else', () => {
    assert.equal(jsonForYaml('a\u007f\u0085\u2028\ufeffé😀'), '"a\\u007f\\u0085\\u2028\\ufeffé😀"')
  })
})
