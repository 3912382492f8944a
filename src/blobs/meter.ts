import { createHash } from 'node:crypto'
import { type Digest, parseDigest } from '../chart/digest.ts'
import { AppError } from '../errors.ts'

/** Hashes, counts and limits what flows through. */
export class Meter {
  readonly #maxBytes: number
  readonly #hash = createHash('sha256')
  #size = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Passes the bytes on as they come, text in UTF-8; throws `too-large` at the first byte past the limit. */
  async *measured(chunks: AsyncIterable<Buffer | string>): AsyncGenerator<Buffer> {
    for await (const part of chunks) {
      const chunk = typeof part === 'string' ? Buffer.from(part) : part
      this.#size += chunk.length
      if (this.#size > this.#maxBytes) {
        throw new AppError('too-large', `larger than the limit of ${this.#maxBytes} bytes`)
      }
      this.#hash.update(chunk)
      yield chunk
    }
  }

  /** What has passed. To be called once, after the end. */
  result(): { readonly digest: Digest; readonly size: number } {
    return { digest: parseDigest(this.#hash.digest('hex')), size: this.#size }
  }
}
