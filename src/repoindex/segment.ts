import { jsonForYaml } from './entry.ts'
import { type Place } from './entry-order.ts'

/** A version that is to be in a segment: its fragment as text, or as the bytes that it has in another one. */
export interface Entry extends Place {
  readonly text: string | Buffer
  /** Of `text` in bytes. */
  readonly length: number
}

/**
 * A run of versions in the index's order, rendered: segments simply follow each other, as what stands between two
 * versions is in front of the second. A chart may begin in one segment and go on in the next.
 */
export interface Segment {
  readonly bytes: Buffer
  /** What is in front of its first version. */
  readonly opening: Opening
  /** The charts that it has versions of. */
  readonly charts: readonly ChartRun[]
  /** Of its versions, in order. */
  readonly sortKeys: readonly string[]
  /** Where in `bytes` each version's text begins and ends. */
  readonly offsets: Uint32Array
}

/** The first chart of all, another chart than that of the version before, or that chart still. */
export type Opening = 'first' | 'next' | 'same'

export interface ChartRun {
  readonly name: string
  /** Which of the segment's versions is the chart's first. */
  readonly start: number
}

/** `previous` is the chart of the version in front of the segment; `undefined` for the first segment. */
export function openingOf(previous: string | undefined, name: string): Opening {
  if (previous === undefined) return 'first'
  return previous === name ? 'same' : 'next'
}

/** Renders at least one version. */
export function renderSegment(entries: readonly Entry[], previous: string | undefined): Segment {
  const openings = entries.map(({ name }, place) => openingOf(entries[place - 1]?.name ?? previous, name))
  const size = entries.reduce(
    (sum, entry, place) => sum + entry.length + jointOf(openings[place], entry).length,
    0,
  )
  // Outside Node's shared pool, of which a small segment would keep the whole piece.
  const bytes = Buffer.allocUnsafeSlow(size)
  const offsets = new Uint32Array(2 * entries.length)
  const charts: ChartRun[] = []
  let end = 0
  for (const [place, entry] of entries.entries()) {
    const opening = openings[place]
    if (opening !== 'same' || place === 0) charts.push({ name: entry.name, start: place })
    const start = end + bytes.write(jointOf(opening, entry), end, 'latin1')
    end = start + writeText(bytes, entry, start)
    offsets.set([start, end], 2 * place)
  }
  return {
    bytes,
    opening: openings[0] ?? 'first',
    charts,
    sortKeys: entries.map(({ sortKey }) => sortKey),
    offsets,
  }
}

/** The versions of a segment, their texts as windows into it; of the charts that `covers` matches, where it is given. */
export function entriesOf(segment: Segment, covers?: (name: string) => boolean): Entry[] {
  const entries: Entry[] = []
  for (const [place, { name, start }] of segment.charts.entries()) {
    if (covers?.(name) === false) continue
    const end = segment.charts[place + 1]?.start ?? segment.sortKeys.length
    for (let version = start; version < end; version += 1) entries.push(entryAt(segment, name, version))
  }
  return entries
}

export function entryAt({ bytes, sortKeys, offsets }: Segment, name: string, version: number): Entry {
  const text = bytes.subarray(offsets[2 * version], offsets[2 * version + 1])
  return { name, sortKey: sortKeys[version] ?? '', text, length: text.length }
}

export function firstPlaceOf({ charts, sortKeys }: Segment): Place {
  return { name: charts[0]?.name ?? '', sortKey: sortKeys[0] ?? '' }
}

/** A chart's name is ASCII (`chart/name.ts`), and so is what JSON makes of any. */
function jointOf(opening: Opening | undefined, { name }: Entry): string {
  if (opening === 'same') return ','
  return `${opening === 'next' ? '],' : ''}${jsonForYaml(name)}:[`
}

function writeText(bytes: Buffer, { text, length }: Entry, offset: number): number {
  if (typeof text === 'string') return bytes.write(text, offset, length, 'utf8')
  bytes.set(text, offset)
  return length
}
