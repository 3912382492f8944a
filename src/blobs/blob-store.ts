import { type Readable } from 'node:stream'
import { type Digest } from '../chart/digest.ts'

/**
 * Content-addressed, immutable bytes. Safe for concurrent use, also by several processes on one store.
 * Each sentence below is proved for every implementation by test/contract/blob-store.ts.
 */
export interface BlobStore {
  /**
   * Writes the stream to a temporary place on the store's own medium while hashing and counting it. Rejects with
   * `too-large` past `maxBytes`, `storage-full` when the medium has no room, or the source's own error; then
   * the source is destroyed and nothing is left behind. Nothing is visible until `commit`, which is where small blobs,
   * held in memory until then, find that there is no room.
   */
  stage(source: Readable, maxBytes: number): Promise<StagedBlob>

  /**
   * The bytes, or those of `range`, which lies within the blob; `undefined` when there is no such blob. The caller
   * consumes or destroys the stream.
   */
  open(digest: Digest, range?: ByteRange): Promise<Readable | undefined>

  /** Every blob there is, in no order. One that is committed or deleted meanwhile may or may not appear. */
  list(): AsyncIterable<Digest>

  /** Removes the blob. Succeeds if there is none. */
  delete(digest: Digest): Promise<void>

  /** Rejects with `unavailable` when the store cannot be written and read back. Leaves nothing behind. */
  check(): Promise<void>

  /** Removes what was staged here and not committed; staging, then and later, rejects with `unavailable`. */
  close(): Promise<void>
}

/** First and last byte, both included, counted from 0, as in RFC 9110, section 14.1.2. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

export interface StagedBlob {
  readonly digest: Digest
  readonly size: number

  /**
   * The staged bytes, from the start, also after `commit`. The caller consumes or destroys the stream, and does not
   * commit or discard meanwhile.
   */
  open(): Readable

  /**
   * Resolves once the bytes are durable under their digest: they survive a power cut from then on. Succeeds if they
   * were there already. Rejects once they have been discarded.
   */
  commit(): Promise<void>

  /** Removes the temporary bytes, committed or not; what was committed stays. May be called more than once. */
  discard(): Promise<void>
}
