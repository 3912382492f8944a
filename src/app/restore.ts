import { copyFile, open, readdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { DiskBlobStore } from '../blobs/disk.ts'
import { type Actor } from '../catalog/catalog.ts'
import { SqliteCatalog } from '../catalog/sqlite.ts'
import { AppError, isSystemError } from '../errors.ts'
import { Closers } from '../ops/close.ts'
import { makeDurableFolder, syncFolder } from '../ops/durable.ts'
import { copyBlobs, type CopyReport } from '../repository/copy-blobs.ts'
import { readBackup, type BackupMarker } from './backup-folder.ts'
import { catalogFileOf } from './stores.ts'

export interface RestoreReport extends CopyReport {
  readonly backup: BackupMarker
}

/**
 * Makes an empty storage what the backup holds. Every blob is hashed on the way. The catalog gets a new epoch, so that
 * no ETag of the time after the backup counts for other bytes, and is put in its place last: what was broken off is no
 * storage, and is removed. Throws `config-invalid` for a storage that is not empty.
 */
export async function restore(folder: string, storage: string, by: Actor): Promise<RestoreReport> {
  const backup = await readBackup(resolve(folder))
  await requireEmpty(storage)
  await makeDurableFolder(storage)
  try {
    return { ...(await fill(storage, resolve(folder), backup.catalog, by)), backup: backup.marker }
  } catch (error) {
    for (const name of await readdir(storage))
      if (!IGNORED.has(name)) await rm(join(storage, name), { recursive: true })
    throw error
  }
}

/** What a new file system has. */
const IGNORED: ReadonlySet<string> = new Set(['lost+found'])

async function requireEmpty(storage: string): Promise<void> {
  const names = await readdir(storage).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  })
  if (names.every((name) => IGNORED.has(name))) return
  throw new AppError('config-invalid', `the storage ${storage} is not empty: restore into a new one`)
}

async function fill(storage: string, folder: string, catalogFile: string, by: Actor): Promise<CopyReport> {
  const unfinished = `${catalogFileOf(storage)}.restoring`
  await copyFile(catalogFile, unfinished)
  const closers = new Closers()
  let copied: CopyReport
  try {
    // Opening it brings it to this program's schema.
    const catalog = closers.add(await SqliteCatalog.open({ file: unfinished }))
    const from = closers.add(await DiskBlobStore.open({ directory: folder }))
    const to = closers.add(await DiskBlobStore.open({ directory: storage }))
    copied = await copyBlobs(catalog, from, to)
    requireWhole(copied)
    await catalog.renewEpoch(by)
  } finally {
    await closers.close()
  }
  await putInPlace(unfinished, catalogFileOf(storage), storage)
  return copied
}

function requireWhole({ missing }: CopyReport): void {
  if (missing.length === 0) return
  throw new AppError(
    'blob-missing',
    `the backup lacks ${missing.length} blobs, such as ${missing[0] ?? ''}: use another one`,
  )
}

/** Closed by its only process, the catalog is one file. */
async function putInPlace(unfinished: string, file: string, storage: string): Promise<void> {
  const handle = await open(unfinished, 'r')
  try {
    await handle.chmod(0o600)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(unfinished, file)
  await syncFolder(storage)
}
