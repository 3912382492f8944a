import { jsonForYaml } from './entry.ts'
import { comparePlaces, type Place } from './entry-order.ts'
import { homeOf, joinPieces, RopeBuilder, type Pause, type Piece } from './rope.ts'
import { entriesOf, type Entry, type Segment } from './segment.ts'

/** Raised whenever the same catalog would render to other bytes. */
const RENDERER_VERSION = 1

/** A version in the index, with its entry serialised. */
export interface IndexedVersion extends Place {
  readonly fragment: string
}

export interface IndexState {
  readonly revision: number
  readonly changedAt: Date
}

/** A repository at one revision. */
export interface IndexSource extends IndexState {
  /** In order of name, a chart's from the greatest sort key to the least, as many at a time as one turn takes. */
  readonly versions: AsyncIterable<readonly IndexedVersion[]> | Iterable<readonly IndexedVersion[]>
}

/** What is otherwise at a later revision: each version once, in any order, without a fragment if it is gone. */
export interface IndexUpdate extends IndexState {
  readonly versions: readonly VersionUpdate[]
}

export interface VersionUpdate extends Place {
  readonly fragment: string | undefined
}

/**
 * A repository's `index.yaml` at one revision: JSON, as an immutable rope of segments, which are also the slices it is
 * sent in. The next revision shares every segment in which nothing changed, so a publish costs the one segment that its
 * version is in, and a slow reader of an old revision holds on to little more than that.
 */
export class RenderedIndex {
  readonly revision: number
  /** For an ETag, which has to change whenever the same catalog is rendered to other bytes. */
  readonly rendering: string
  readonly segments: readonly Segment[]
  readonly #head: IndexHead
  #buffers: readonly Buffer[] | undefined

  private constructor(revision: number, head: IndexHead, segments: readonly Segment[]) {
    this.revision = revision
    this.rendering = `${RENDERER_VERSION}${head.contextPath}`
    this.segments = segments
    this.#head = head
  }

  /** `contextPath` is where the server's paths begin: `''`, or `/charts`. */
  static async render(source: IndexSource, contextPath = ''): Promise<RenderedIndex> {
    const { revision, changedAt } = source
    const rope = new RopeBuilder()
    for await (const versions of source.versions) {
      for (const version of versions) rope.add(entryOf(version, version.fragment))
    }
    return new RenderedIndex(revision, { changedAt, contextPath }, rope.finish())
  }

  /** An index of pieces, which are in its order. */
  static async join(
    { revision, changedAt }: IndexState,
    contextPath: string,
    pieces: readonly Piece[],
    pause: Pause,
  ): Promise<RenderedIndex> {
    return new RenderedIndex(revision, { changedAt, contextPath }, await joinPieces(pieces, pause))
  }

  /** The index at a later revision. */
  async update({ revision, changedAt, versions }: IndexUpdate, pause: Pause): Promise<RenderedIndex> {
    const pieces: Piece[] = [...this.segments]
    for (const [home, changes] of byHome(this.segments, versions)) {
      const segment = this.segments[home]
      pieces[home] = merge(segment === undefined ? [] : entriesOf(segment), changes)
      await pause()
    }
    return new RenderedIndex(revision, { ...this.#head, changedAt }, await joinPieces(pieces, pause))
  }

  /** The index that someone sees who may read only the charts that `covers` matches. */
  async restrictedTo(covers: (name: string) => boolean, pause: Pause): Promise<RenderedIndex> {
    return this.#restricted(this.segments, covers, pause)
  }

  /** The index of these charts alone: costs what they cost, however many others there are. */
  async only(names: readonly string[], pause: Pause): Promise<RenderedIndex> {
    const homes = new Set(names.flatMap((name) => this.#segmentsOf(name)))
    const wanted = new Set(names)
    return this.#restricted([...homes], (name) => wanted.has(name), pause)
  }

  /** Whether it has versions of the chart. */
  has(name: string): boolean {
    return this.#segmentsOf(name).some(({ charts }) => hasChart(charts, name))
  }

  /** The chart's versions, in order. */
  versionsOf(name: string): readonly Entry[] {
    return this.#segmentsOf(name).flatMap((segment) => entriesOf(segment, (other) => other === name))
  }

  /** The charts' names that begin so, in order. */
  namesBeginningWith(text: string): readonly string[] {
    const names = new Set<string>()
    for (let place = homeOf(this.segments, { name: text, sortKey: GREATEST_KEY }); ; place += 1) {
      const charts = this.segments[place]?.charts
      if (charts === undefined) return [...names]
      for (const { name } of charts) {
        if (name.startsWith(text)) names.add(name)
        else if (name > text) return [...names]
      }
    }
  }

  /** How many charts it has. */
  get size(): number {
    return this.segments.reduce((sum, segment) => sum + chartsBegunIn(segment), 0)
  }

  /** How many versions. */
  get versions(): number {
    return this.segments.reduce((sum, { sortKeys }) => sum + sortKeys.length, 0)
  }

  /** Of the newest change that is in it. */
  get changedAt(): Date {
    return this.#head.changedAt
  }

  get contextPath(): string {
    return this.#head.contextPath
  }

  /** The charts' names in order, from one place to another. */
  namesBetween(start: number, end: number): readonly string[] {
    const names: string[] = []
    let place = 0
    for (const segment of this.segments) {
      const count = chartsBegunIn(segment)
      const skipped = segment.charts.length - count
      if (place + count > start && place < end) {
        const own = segment.charts.slice(skipped + Math.max(0, start - place), skipped + end - place)
        for (const { name } of own) names.push(name)
      }
      place += count
    }
    return names
  }

  /** The bytes of `index.yaml`, in order. */
  toBuffers(): readonly Buffer[] {
    this.#buffers ??= compact([this.head, ...this.segments.map(({ bytes }) => bytes), this.tail])
    return this.#buffers
  }

  /** What is in front of the segments. */
  get head(): Buffer {
    return Buffer.from(renderHead(this.#head))
  }

  /** What is behind them. */
  get tail(): Buffer {
    return Buffer.from(this.segments.length === 0 ? '}}\n' : ']}}\n')
  }

  /** The bytes of a JSON object from chart names to lists of versions: what is under `entries`. */
  entriesToBuffers(): readonly Buffer[] {
    const segments = this.segments.map(({ bytes }) => bytes)
    return compact([Buffer.from('{'), ...segments, Buffer.from(segments.length === 0 ? '}\n' : ']}\n')])
  }

  async #restricted(
    segments: readonly Segment[],
    covers: (name: string) => boolean,
    pause: Pause,
  ): Promise<RenderedIndex> {
    const pieces: Piece[] = []
    for (const segment of segments) {
      const isWhole = segment.charts.every(({ name }) => covers(name))
      pieces.push(isWhole ? segment : entriesOf(segment, covers))
      await pause()
    }
    return new RenderedIndex(this.revision, this.#head, await joinPieces(pieces, pause))
  }

  /** Those that the chart has versions in. */
  #segmentsOf(name: string): readonly Segment[] {
    const segments: Segment[] = []
    for (let place = homeOf(this.segments, { name, sortKey: GREATEST_KEY }); ; place += 1) {
      const segment = this.segments[place]
      if (segment === undefined || (segment.charts[0]?.name ?? '') > name) return segments
      segments.push(segment)
    }
  }
}

interface IndexHead {
  readonly changedAt: Date
  readonly contextPath: string
}

/** Before every version of its chart. */
const GREATEST_KEY = '\uffff'

/** Up to this, a body is one buffer: one write instead of three. */
const SMALL_BYTES = 512 * 1024

/** `serverInfo.contextPath` is where `helm cm-push` learns the path to prepend (helm-push, pkg/helm/index.go). */
function renderHead({ changedAt, contextPath }: IndexHead): string {
  const head = { apiVersion: 'v1', generated: changedAt.toISOString(), serverInfo: { contextPath } }
  return `${jsonForYaml(head).slice(0, -1)},"entries":{`
}

function compact(buffers: readonly Buffer[]): readonly Buffer[] {
  const size = buffers.reduce((sum, { length }) => sum + length, 0)
  return size <= SMALL_BYTES ? [Buffer.concat(buffers)] : buffers
}

/** By bisection: a segment may have a thousand. */
function hasChart(charts: Segment['charts'], name: string): boolean {
  let low = 0
  let high = charts.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((charts[middle]?.name ?? '') < name) low = middle + 1
    else high = middle
  }
  return charts[low]?.name === name
}

/** A chart counts where it begins. */
function chartsBegunIn({ charts, opening }: Segment): number {
  return opening === 'same' ? charts.length - 1 : charts.length
}

/** The changes by the segment that they belong into, each list in the index's order. */
function byHome(
  segments: readonly Segment[],
  changes: readonly VersionUpdate[],
): ReadonlyMap<number, readonly VersionUpdate[]> {
  const homes = new Map<number, VersionUpdate[]>()
  for (const change of changes.toSorted(comparePlaces)) {
    const home = homeOf(segments, change)
    const own = homes.get(home)
    if (own === undefined) homes.set(home, [change])
    else own.push(change)
  }
  return homes
}

/** Both are in order; a change takes the place of the version that it is about. */
function merge(entries: readonly Entry[], changes: readonly VersionUpdate[]): readonly Entry[] {
  const merged: Entry[] = []
  let next = 0
  for (const change of changes) {
    for (
      let entry = entries[next];
      entry !== undefined && comparePlaces(entry, change) < 0;
      entry = entries[next]
    ) {
      merged.push(entry)
      next += 1
    }
    const entry = entries[next]
    if (entry !== undefined && comparePlaces(entry, change) === 0) next += 1
    if (change.fragment !== undefined) merged.push(entryOf(change, change.fragment))
  }
  return [...merged, ...entries.slice(next)]
}

function entryOf({ name, sortKey }: Place, fragment: string): Entry {
  return { name, sortKey, text: fragment, length: Buffer.byteLength(fragment) }
}
