import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DiskBlobStore } from '../../src/blobs/disk.ts'
import { type BlobStoreFixture, describeBlobStore } from './blob-store.ts'

const blobStores: Record<string, () => Promise<BlobStoreFixture>> = {
  DiskBlobStore: async () => {
    const directory = await mkdtemp(join(tmpdir(), 'chartroom-blobs-'))
    return {
      open: () => DiskBlobStore.open({ directory }),
      countLeftovers: async () => {
        const entries = await readdir(join(directory, 'tmp'), { recursive: true, withFileTypes: true })
        return entries.filter((entry) => !entry.isDirectory()).length
      },
      remove: () => rm(directory, { recursive: true }),
    }
  },
}

for (const [name, create] of Object.entries(blobStores)) describeBlobStore(name, create)
