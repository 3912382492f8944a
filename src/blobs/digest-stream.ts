import { createHash } from 'node:crypto'
import { Transform } from 'node:stream'
import { type Digest, parseDigest } from '../chart/digest.ts'
import { AppError } from '../errors.ts'

export interface DigestStream {
  /** Passes the bytes on as they come; fails with `too-large` at the first byte past the limit. */
  readonly stream: Transform
  /** What has passed. To be called once, after the stream has ended. */
  result(): { readonly digest: Digest; readonly size: number }
}

/** Hashes, counts and limits what flows through. */
export function createDigestStream(maxBytes: number): DigestStream {
  const hash = createHash('sha256')
  let size = 0
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      size += chunk.length
      if (size > maxBytes) {
        callback(new AppError('too-large', `larger than the limit of ${maxBytes} bytes`))
        return
      }
      hash.update(chunk)
      callback(null, chunk)
    },
  })
  return { stream, result: () => ({ digest: parseDigest(hash.digest('hex')), size }) }
}
