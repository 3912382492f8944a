import { join } from 'node:path'
import { type BlobStore } from '../blobs/blob-store.ts'
import { DiskBlobStore } from '../blobs/disk.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { SqliteCatalog } from '../catalog/sqlite.ts'
import { type Closers } from '../ops/close.ts'

export interface Stores {
  readonly catalog: Catalog
  readonly blobs: BlobStore
}

export function catalogFileOf(storage: string): string {
  return join(storage, 'catalog.db')
}

/** The embedded stores in the storage folder, made if they are not there. */
export async function openStores(storage: string, closers: Closers): Promise<Stores> {
  const catalog = closers.add(await SqliteCatalog.open({ file: catalogFileOf(storage) }))
  const blobs = closers.add(await DiskBlobStore.open({ directory: storage }))
  return { catalog, blobs }
}
