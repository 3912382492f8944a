import { type IndexBatch, type RefusedEntry } from './index-entries.ts'
import { type UpstreamEntry } from './upstream-entry.ts'

/** A part of a batch: a chart may have ten thousands of versions, and each message is copied in one turn of the event loop. */
export interface BatchSlice {
  readonly part: IndexBatch
  /** Whether the batch ends with it. */
  readonly isLast: boolean
}

/** Versions with their index entries: under a millisecond's work. */
const SLICE = 200

/** At least one, also of nothing. */
export function* batchSlices({ entries, refused }: IndexBatch): Generator<BatchSlice> {
  const length = Math.max(entries.length, refused.length)
  for (let start = 0, end = SLICE; ; start = end, end += SLICE) {
    const isLast = end >= length
    yield { part: { entries: entries.slice(start, end), refused: refused.slice(start, end) }, isLast }
    if (isLast) return
  }
}

/** Puts slices that come in order together again: gives the batch with its last one. */
export function joiningSlices(): { readonly add: (slice: BatchSlice) => IndexBatch | undefined } {
  let entries: UpstreamEntry[] = []
  let refused: RefusedEntry[] = []
  return {
    add: ({ part, isLast }) => {
      entries.push(...part.entries)
      refused.push(...part.refused)
      if (!isLast) return undefined
      const batch = { entries, refused }
      entries = []
      refused = []
      return batch
    },
  }
}
