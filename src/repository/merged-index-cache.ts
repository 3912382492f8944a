import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { pausing } from '../ops/turn.ts'
import { mergeIndexes, type IndexMember } from '../repoindex/merged-index.ts'
import { type RenderedIndex } from '../repoindex/rendered-index.ts'
import { traceOf, updateMerged, type MergeTrace } from '../repoindex/update-merged.ts'
import { type ServedIndex } from './served-index.ts'

/** Each shares the segments that it has whole with its members'. */
const MOST_INDEXES = 100

/** What they may hold together besides. */
const MOST_BYTES = 256 * 1024 * 1024

/** Raised whenever the same members would be merged to other bytes. */
const MERGE_VERSION = 1

export interface MergeSource {
  /** Of the members, now; none of them ever falls. */
  readonly revisions: () => Promise<readonly number[]>
  /** At these revisions, or later ones. */
  readonly members: () => Promise<readonly IndexMember[]>
}

interface Merged {
  readonly index: RenderedIndex
  readonly revisions: readonly number[]
  readonly trace: MergeTrace
}

/** The indexes of virtual repositories, merged again only when a member has changed, and then no more than has. */
export class MergedIndexCache {
  readonly #epoch: string
  readonly #merged = new LRUCache<string, Merged>({ max: MOST_INDEXES, maxSize: MOST_BYTES })
  readonly #merging = new Map<string, Promise<Merged>>()

  constructor(epoch: string) {
    this.#epoch = epoch
  }

  /** `layout` says which members these are and what is shown of each. */
  async read(layout: string, source: MergeSource): Promise<ServedIndex> {
    const key = createHash('sha256').update(`${MERGE_VERSION} ${layout}`).digest('hex').slice(0, 16)
    const wanted = await source.revisions()
    let merged = this.#merged.get(key)
    while (merged === undefined || isOlder(merged.revisions, wanted)) merged = await this.#merge(key, source)
    const { index, revisions } = merged
    return { index, key, tag: `${this.#epoch}.${key}.${revisions.join('_')}.${index.rendering}` }
  }

  /** One at a time; whoever comes meanwhile waits for it. */
  async #merge(key: string, source: MergeSource): Promise<Merged> {
    const underWay = this.#merging.get(key)
    if (underWay !== undefined) return underWay
    const merging = this.#mergeNow(key, source).finally(() => this.#merging.delete(key))
    this.#merging.set(key, merging)
    return merging
  }

  async #mergeNow(key: string, source: MergeSource): Promise<Merged> {
    const members = await source.members()
    const pause = pausing()
    const known = this.#merged.get(key)
    const updated = known && (await updateMerged(known.index, known.trace, members, pause))
    const index = updated ?? (await mergeIndexes(members, pause))
    const revisions = members.map(({ whole }) => whole.revision)
    const merged = { index, revisions, trace: traceOf(members) }
    this.#merged.set(key, merged, { size: ownBytesOf(index, members) })
    return merged
  }
}

function isOlder(revisions: readonly number[], wanted: readonly number[]): boolean {
  return revisions.some((revision, place) => revision < (wanted[place] ?? 0))
}

/** What the index holds besides its members' segments. Never 0, as the cache wants it. */
function ownBytesOf({ segments }: RenderedIndex, members: readonly IndexMember[]): number {
  const shared = new Set(
    members.flatMap(({ whole, shown }) => [...whole.segments, ...(shown?.segments ?? [])]),
  )
  return segments.reduce((sum, segment) => sum + (shared.has(segment) ? 0 : segment.bytes.length), 1)
}
