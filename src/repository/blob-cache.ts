import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { type BlobStore } from '../blobs/blob-store.ts'
import { type Digest } from '../chart/digest.ts'
import { AppError } from '../errors.ts'
import { readBlob } from './read-blob.ts'

export interface BlobCacheLimits {
  /** Bytes of all blobs together. */
  readonly maxBytes: number
  /** A larger blob is always read from the store, as it is sent. */
  readonly largestBytes: number
}

/**
 * Blobs that were read lately, whole and in memory: sending from there costs a third of sending from a file, and all
 * who read the same one share it. They are found by digest, so nothing in here can be out of date.
 */
export class BlobCache {
  readonly #blobs: Pick<BlobStore, 'open'>
  readonly #largestBytes: number
  readonly #cached: LRUCache<Digest, Buffer> | undefined
  /** One reading of a blob at a time; whoever comes meanwhile waits for it. */
  readonly #reading = new Map<Digest, Promise<Buffer>>()

  constructor(blobs: Pick<BlobStore, 'open'>, { maxBytes, largestBytes }: BlobCacheLimits) {
    this.#blobs = blobs
    this.#largestBytes = Math.min(largestBytes, maxBytes)
    if (maxBytes > 0)
      this.#cached = new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ length }) => Math.max(length, 1) })
  }

  /**
   * `undefined`, at once, for a blob that is too large. Rejects with `blob-missing` where the store has none, or bytes
   * that are not those of the digest: what is about to be sent to many is looked at once.
   */
  read(digest: Digest, size: number): Buffer | Promise<Buffer> | undefined {
    if (size > this.#largestBytes) return undefined
    return this.#cached?.get(digest) ?? this.#reading.get(digest) ?? this.#readAnew(digest)
  }

  #readAnew(digest: Digest): Promise<Buffer> {
    const reading = readBlob(this.#blobs, digest)
      .then((bytes) => {
        if (sha256(bytes) !== digest)
          throw new AppError('blob-missing', `the blob ${digest} holds other bytes`)
        this.#cached?.set(digest, bytes)
        return bytes
      })
      .finally(() => this.#reading.delete(digest))
    this.#reading.set(digest, reading)
    return reading
  }
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
