import { LRUCache } from 'lru-cache'
import { type RenderedIndex } from '../repoindex/rendered-index.ts'
import { type Segment } from '../repoindex/segment.ts'
import { deflatePart, joinGzip, type DeflatedPart } from './gzip-segments.ts'

/** Whose indexes are kept compressed ahead; of any other, somebody waits for what is new in it. */
const MOST_KEPT = 1000

/** An index that nobody has asked for in gzip so long is compressed ahead no more. */
const KEPT_FOR_MS = 60 * 60 * 1000

/** Segments compressed at a time: half of the threads that Node has for this, files and name look-ups. */
const MOST_AT_ONCE = 2

/**
 * Indexes in gzip: a segment is compressed once for as long as it is alive, so a new revision costs the segments in
 * which it differs. Nothing is compressed before somebody asks for it; from then on new revisions are compressed as
 * soon as anybody reads them.
 */
export class GzippedIndexes {
  readonly #deflated = new WeakMap<Segment, Promise<DeflatedPart>>()
  readonly #joined = new WeakMap<RenderedIndex, Promise<readonly Buffer[]>>()
  /** The newest revision asked for, of each index that has been asked for in gzip. */
  readonly #kept = new LRUCache<string, RenderedIndex>({ max: MOST_KEPT, ttl: KEPT_FOR_MS })
  readonly #waiting: (() => void)[] = []
  #running = 0

  /** How many segments are being compressed now. */
  get compressing(): number {
    return this.#running
  }

  /** The index's bytes in gzip. `key` says which index it is, whatever its revision. */
  async read(key: string, index: RenderedIndex): Promise<readonly Buffer[]> {
    this.#kept.set(key, index)
    const known = this.#joined.get(index)
    if (known !== undefined) return known
    const joining = this.#join(index)
    this.#joined.set(index, joining)
    joining.catch(() => this.#joined.delete(index))
    return joining
  }

  /** Somebody has read this revision as it is: where others read it in gzip, it is compressed before they ask. */
  keepUp(key: string, index: RenderedIndex): void {
    const kept = this.#kept.peek(key)
    if (kept === undefined || kept.revision >= index.revision) return
    this.#kept.set(key, index, { noUpdateTTL: true })
    void this.#compressAhead(key, index)
  }

  async #join(index: RenderedIndex): Promise<readonly Buffer[]> {
    const parts = await Promise.all(index.segments.map((segment) => this.#deflate(segment)))
    return joinGzip(index.head, parts, index.tail)
  }

  async #compressAhead(key: string, index: RenderedIndex): Promise<void> {
    for (const segment of index.segments) {
      if (this.#deflated.has(segment)) continue
      // A later revision is already on its way: it has what of this one is still of use.
      if (this.#kept.peek(key) !== index) return
      // Whoever asks for it tries again, and is told.
      await this.#deflate(segment).catch(() => undefined)
    }
  }

  #deflate(segment: Segment): Promise<DeflatedPart> {
    const known = this.#deflated.get(segment)
    if (known !== undefined) return known
    const deflating = this.#inTurn(() => deflatePart(segment.bytes))
    this.#deflated.set(segment, deflating)
    deflating.catch(() => this.#deflated.delete(segment))
    return deflating
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= MOST_AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#running += 1
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // Whoever waits takes the place over.
      if (next === undefined) this.#running -= 1
      else next()
    }
  }
}

/** Whether `Accept-Encoding` names gzip, or everything, with a weight above 0 (RFC 9110, section 12.5.3). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const codings = new Map(
    [header ?? []]
      .flat()
      .join(',')
      .split(',')
      .map((item) => {
        const [coding = '', ...parameters] = item
          .trim()
          .toLowerCase()
          .split(/\s*;\s*/)
        const weight = parameters.find((parameter) => parameter.startsWith('q='))
        return [coding, weight === undefined ? 1 : Number(weight.slice(2))]
      }),
  )
  return (codings.get('gzip') ?? codings.get('*') ?? 0) > 0
}
