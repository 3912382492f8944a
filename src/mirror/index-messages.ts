import { type Filters } from './filters.ts'
import { type IndexBatch, type IndexSummary } from './index-entries.ts'

/** What the worker that reads an index is given, and what it says. */
export interface WorkerTask {
  readonly base: string
  readonly filters: Filters
}

export type ToWorker =
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  /** The batch is taken: the next one, please. */
  | { readonly kind: 'taken' }

export type FromWorker =
  | { readonly kind: 'batch'; readonly batch: IndexBatch }
  | { readonly kind: 'done'; readonly summary: IndexSummary }
  | { readonly kind: 'failed'; readonly message: string }
