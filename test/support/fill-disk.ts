import { randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { DiskBlobStore } from '../../src/blobs/disk.ts'
import { AppError } from '../../src/errors.ts'

/** Stages more than the medium of the named folder has room for; prints the error's code and what was left behind. */
const [directory = ''] = process.argv.slice(2)
const store = await DiskBlobStore.open({ directory })
const chunks = Array.from({ length: 64 }, () => randomBytes(65_536))
const code = await store.stage(Readable.from(chunks), 100_000_000).then(
  () => 'stored',
  (error: unknown) => (error instanceof AppError ? error.code : String(error)),
)
const entries = await readdir(join(directory, 'tmp'), { recursive: true, withFileTypes: true })
console.log(code, entries.filter((entry) => entry.isFile()).length)
await store.close()
