import { type BlobStore } from '../blobs/blob-store.ts'
import { discardAtEnd } from '../blobs/discard.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type Digest } from '../chart/digest.ts'
import { AppError } from '../errors.ts'

export interface CopyReport {
  readonly copied: number
  /** There already: a blob appears under its digest only when it is whole. */
  readonly present: number
  /** Named by the catalog, and not in the source. */
  readonly missing: readonly Digest[]
}

/** Making a blob durable is waiting for the disk: some at a time. */
const AT_ONCE = 8

/** Copies what the catalog names and `to` has not, hashing it on the way. Throws `digest-mismatch`. */
export async function copyBlobs(catalog: Catalog, from: BlobStore, to: BlobStore): Promise<CopyReport> {
  const there = await digestsIn(to)
  const report = { copied: 0, present: 0, missing: [] as Digest[] }
  const named = catalog.listReferencedBlobs()[Symbol.asyncIterator]()
  const copyOneByOne = async (): Promise<void> => {
    for (let next = await named.next(); next.done !== true; next = await named.next()) {
      if (there.has(next.value)) report.present += 1
      else if (await copyBlob(next.value, from, to)) report.copied += 1
      else report.missing.push(next.value)
    }
  }
  // All of them end before this does: whoever closes the stores next must not pull them from under a copy.
  const copying = await Promise.allSettled(Array.from({ length: AT_ONCE }, copyOneByOne))
  const failed = copying.find((result) => result.status === 'rejected')
  if (failed !== undefined) throw failed.reason
  return report
}

/** Removes what the catalog does not name. Returns how many. Nobody else may be writing to the store. */
export async function pruneBlobs(catalog: Catalog, blobs: BlobStore): Promise<number> {
  const superfluous = await digestsIn(blobs)
  for await (const digest of catalog.listReferencedBlobs()) superfluous.delete(digest)
  for (const digest of superfluous) await blobs.delete(digest)
  return superfluous.size
}

async function digestsIn(blobs: BlobStore): Promise<Set<Digest>> {
  const digests = new Set<Digest>()
  for await (const digest of blobs.list()) digests.add(digest)
  return digests
}

async function copyBlob(digest: Digest, from: BlobStore, to: BlobStore): Promise<boolean> {
  const bytes = await from.open(digest)
  if (bytes === undefined) return false
  // What was taken in was limited then.
  const staged = await to.stage(bytes, Number.MAX_SAFE_INTEGER)
  try {
    if (staged.digest !== digest)
      throw new AppError('digest-mismatch', `the blob ${digest} has other bytes: run fsck`)
    await staged.commit()
    return true
  } finally {
    await discardAtEnd(staged)
  }
}
