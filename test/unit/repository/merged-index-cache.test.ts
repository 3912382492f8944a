import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { type IndexMember } from '../../../src/repoindex/merged-index.ts'
import { RenderedIndex } from '../../../src/repoindex/rendered-index.ts'
import { MergedIndexCache, type MergeSource } from '../../../src/repository/merged-index-cache.ts'
import { indexSource } from '../../support/whole-index.ts'

describe('the cache of merged indexes', () => {
  let cache: MergedIndexCache
  let revisions: number[]
  /** How often the members were read. */
  let reads: number

  beforeEach(() => {
    cache = new MergedIndexCache('epoch')
    revisions = [1, 1]
    reads = 0
  })

  const source: MergeSource = {
    revisions: () => Promise.resolve([...revisions]),
    members: async () => {
      reads += 1
      await setImmediate()
      return Promise.all(revisions.map((revision, place) => member(`chart-${place}`, revision)))
    },
  }

  async function member(name: string, revision: number): Promise<IndexMember> {
    const fragments = Array.from({ length: revision }, (_, version) => JSON.stringify({ version }))
    const whole = await RenderedIndex.render(indexSource({ [name]: fragments }, { revision }))
    return { whole, shown: whole, kept: new Set() }
  }

  async function read(layout = 'layout'): Promise<{ tag: string; versions: number; index: RenderedIndex }> {
    const { tag, index } = await cache.read(layout, source)
    return { tag, index, versions: index.versions }
  }

  it('merges once, for all who ask at once and after', async () => {
    const indexes = await Promise.all([read(), read(), read()])
    assert.equal(new Set([...indexes, await read()].map(({ index }) => index)).size, 1)
    assert.equal(reads, 1)
  })

  it('shows every change that a member had before the question', async () => {
    assert.equal((await read()).versions, 2)
    for (const place of [0, 1, 1]) {
      revisions[place] = (revisions[place] ?? 0) + 1
      assert.equal((await read()).versions, (revisions[0] ?? 0) + (revisions[1] ?? 0))
    }
    assert.equal(reads, 4)
  })

  it('does not give who comes later a merge that began before a change', async () => {
    const early = read()
    await setImmediate()
    revisions = [1, 2]
    assert.equal((await read()).versions, 3)
    await early
  })

  it('has another tag for each revision of each member, and for each layout', async () => {
    const tags = [(await read()).tag, (await read('other')).tag]
    for (const next of [
      [2, 1],
      [2, 2],
      [3, 1],
      [3, 11],
      [31, 11],
    ]) {
      revisions = next
      tags.push((await read()).tag)
    }
    assert.equal(new Set(tags).size, tags.length)
    assert.equal((await read()).tag, tags.at(-1))
  })
})
