import { comparePlaces, type Place } from './entry-order.ts'
import { entriesOf, firstPlaceOf, openingOf, renderSegment, type Entry, type Segment } from './segment.ts'

/**
 * Large enough that a body is few writes, small enough that a publish re-makes little; slices of 128 KB and less cost
 * 1.6 times the CPU to send over TLS.
 */
const MOST_BYTES = 512 * 1024

/** What has shrunk to less is joined with its neighbour. */
export const LEAST_BYTES = 128 * 1024

/** A part of an index: as it is, or versions that are to be rendered. */
export type Piece = Segment | readonly Entry[]

/** Called between steps of some hundred microseconds; where it returns a promise, the work goes on after that. */
export type Pause = () => Promise<void> | undefined

/** The pieces in order as segments: those that can stay as they are do. */
export async function joinPieces(pieces: readonly Piece[], pause: Pause): Promise<readonly Segment[]> {
  const segments: Segment[] = []
  for (const piece of joinSmall(pieces)) {
    for (const run of isSegment(piece) ? [piece] : cut(piece)) {
      const previous = segments.at(-1)?.charts.at(-1)?.name
      segments.push(isSegment(run) ? refit(run, previous) : renderSegment(run, previous))
      if (!isSegment(run)) await pause()
    }
  }
  return segments
}

/** Collects versions as they are read and renders them a segment at a time. */
export class RopeBuilder {
  readonly #segments: Segment[] = []
  #pending: Entry[] = []
  #bytes = 0

  add(entry: Entry): void {
    if (this.#bytes + costOf(entry) > MOST_BYTES) this.#flush()
    this.#pending.push(entry)
    this.#bytes += costOf(entry)
  }

  finish(): readonly Segment[] {
    this.#flush()
    return this.#segments
  }

  #flush(): void {
    if (this.#pending.length === 0) return
    this.#segments.push(renderSegment(this.#pending, this.#segments.at(-1)?.charts.at(-1)?.name))
    this.#pending = []
    this.#bytes = 0
  }
}

/** Which segment the version is in, or belongs into: by bisection, as there may be hundreds. */
export function homeOf(segments: readonly Segment[], place: Place): number {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    const segment = segments[middle]
    if (segment !== undefined && comparePlaces(firstPlaceOf(segment), place) <= 0) low = middle
    else high = middle - 1
  }
  return low
}

function isSegment(piece: Piece): piece is Segment {
  return 'bytes' in piece
}

function joinSmall(pieces: readonly Piece[]): readonly Piece[] {
  const joined: Piece[] = []
  for (const piece of pieces) {
    if (!isSegment(piece) && piece.length === 0) continue
    const last = joined.at(-1)
    if (last !== undefined && isTooSmall(last))
      joined[joined.length - 1] = [...versionsOf(last), ...versionsOf(piece)]
    else joined.push(piece)
  }
  const last = joined.at(-1)
  const beforeLast = joined.at(-2)
  if (last === undefined || beforeLast === undefined || !isTooSmall(last)) return joined
  return [...joined.slice(0, -2), [...versionsOf(beforeLast), ...versionsOf(last)]]
}

/** A segment that nothing has touched may stay small, as the last one of an index may be. */
function isTooSmall(piece: Piece): boolean {
  return !isSegment(piece) && sizeOf(piece) < LEAST_BYTES
}

function versionsOf(piece: Piece): readonly Entry[] {
  return isSegment(piece) ? entriesOf(piece) : piece
}

/** In parts of about the same size: two halves leave room for what is published next. */
function cut(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const size = sizeOf(entries)
  const goal = size / Math.ceil(size / MOST_BYTES)
  const runs: Entry[][] = []
  let bytes = Infinity
  for (const entry of entries) {
    if (bytes >= goal || bytes + costOf(entry) > MOST_BYTES) {
      runs.push([])
      bytes = 0
    }
    runs.at(-1)?.push(entry)
    bytes += costOf(entry)
  }
  return runs
}

/** Whether a chart goes on or begins depends on what is in front of it. */
function refit(segment: Segment, previous: string | undefined): Segment {
  const { name } = firstPlaceOf(segment)
  if (segment.opening === openingOf(previous, name)) return segment
  return renderSegment(entriesOf(segment), previous)
}

function sizeOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, entry) => sum + costOf(entry), 0)
}

/** What it takes at most, in bytes: as if it were the first of its chart. */
function costOf({ name, length }: Entry): number {
  return length + name.length + '],"":['.length
}
