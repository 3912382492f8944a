import { Readable } from 'node:stream'
import { DiskBlobStore } from '../../src/blobs/disk.ts'

/** Stores one blob in the folder named on the command line: the program that the system call test watches. */
const [directory = ''] = process.argv.slice(2)
const store = await DiskBlobStore.open({ directory })
const staged = await store.stage(Readable.from(['some bytes']), 100)
await staged.commit()
await store.close()
