import { type Filters } from './filters.ts'
import { type BatchSlice } from './batch-slices.ts'
import { type IndexSummary } from './index-entries.ts'

/** What the worker that reads an index is given, and what it says. */
export interface WorkerTask {
  readonly base: string
  readonly filters: Filters
}

export type ToWorker =
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  /** The slice is taken: the next one, please. */
  | { readonly kind: 'taken' }

export type FromWorker =
  /** A part of a chart's batch; `isLast` ends the batch. */
  | ({ readonly kind: 'slice' } & BatchSlice)
  | { readonly kind: 'done'; readonly summary: IndexSummary }
  | { readonly kind: 'failed'; readonly message: string }
