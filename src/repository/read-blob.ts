import { buffer } from 'node:stream/consumers'
import { type Readable } from 'node:stream'
import { type BlobStore, type ByteRange } from '../blobs/blob-store.ts'
import { type Digest } from '../chart/digest.ts'
import { AppError } from '../errors.ts'

type Openable = Pick<BlobStore, 'open'>

/** A blob that the catalog names. Its absence is the server's fault: throws `blob-missing`. */
export async function openBlob(blobs: Openable, digest: Digest, range?: ByteRange): Promise<Readable> {
  const stream = await blobs.open(digest, range)
  if (stream === undefined)
    throw new AppError('blob-missing', `the catalog names a blob that is gone: ${digest}`)
  return stream
}

/** For provenance files and other blobs whose size was limited when they came in. */
export async function readBlob(blobs: Openable, digest: Digest): Promise<Buffer> {
  return buffer(await openBlob(blobs, digest))
}
