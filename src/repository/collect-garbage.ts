import { type BlobStore } from '../blobs/blob-store.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type Digest } from '../chart/digest.ts'

export interface GarbageReport {
  /** Blobs that no row names, those removed included. */
  readonly unreferenced: number
  readonly removed: number
}

/** Bounds the memory of a pass and the time that a transaction holds the catalog's lock. */
const BATCH = 500

/**
 * Condemns the blobs that no row of the catalog names, and removes those that have been condemned for longer than the
 * grace period: a publish under way has committed its blobs and not yet its row.
 */
export async function collectGarbage(
  { catalog, blobs }: { readonly catalog: Catalog; readonly blobs: BlobStore },
  { now, graceMs }: { readonly now: Date; readonly graceMs: number },
): Promise<GarbageReport> {
  const referenced = new Set<Digest>()
  for await (const digest of catalog.listReferencedBlobs()) referenced.add(digest)
  const unreferenced: Digest[] = []
  for await (const digest of blobs.list()) if (!referenced.has(digest)) unreferenced.push(digest)

  const condemnedBefore = new Date(now.getTime() - graceMs)
  let removed = 0
  // At least once: an earlier run that died may have left blobs that are half removed.
  for (let start = 0; start === 0 || start < unreferenced.length; start += BATCH) {
    const doomed = await catalog.condemnBlobs(unreferenced.slice(start, start + BATCH), now, condemnedBefore)
    for (const digest of doomed) await blobs.delete(digest)
    await catalog.blobsDeleted(doomed)
    removed += doomed.length
  }
  return { unreferenced: unreferenced.length, removed }
}
