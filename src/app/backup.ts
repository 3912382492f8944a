import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { DiskBlobStore } from '../blobs/disk.ts'
import { SqliteCatalog } from '../catalog/sqlite.ts'
import { type Config } from '../config/load.ts'
import { AppError } from '../errors.ts'
import { Closers } from '../ops/close.ts'
import { copyBlobs, pruneBlobs, type CopyReport } from '../repository/copy-blobs.ts'
import { catalogCopyPath, finishBackup, openBackupFolder, sha256Of } from './backup-folder.ts'
import { catalogFileOf } from './stores.ts'
import { readVersion } from './version.ts'

export interface BackupReport extends CopyReport {
  /** Of blobs that an older backup in the folder named. */
  readonly pruned: number
}

/** A version that is deleted and collected while its blobs are being copied costs one more look; nobody does so all the time. */
const MOST_ATTEMPTS = 10

/**
 * Copies catalog and blobs to a folder, also while servers write to them. The catalog is copied first: blobs never
 * change and are there before a row names them, so the copy names nothing that is yet to come. What gc or a purge has
 * removed since is looked for in a newer copy of the catalog, which names it no more.
 */
export async function backUp(config: Config, folder: string, now: () => Date): Promise<BackupReport> {
  const target = resolve(folder)
  if (target === config.storage)
    throw new AppError('config-invalid', 'the storage is no folder for its backup')
  await openBackupFolder(target)
  const closers = new Closers()
  try {
    const source = closers.add(
      await SqliteCatalog.open({ file: catalogFileOf(config.storage), readonly: true }),
    )
    const from = closers.add(await DiskBlobStore.open({ directory: config.storage }))
    const to = closers.add(await DiskBlobStore.open({ directory: target }))
    for (let attempt = 1; ; attempt += 1) {
      const file = await copyCatalog(source, target, now())
      const snapshot = await SqliteCatalog.open({ file, readonly: true })
      try {
        const copied = await copyBlobs(snapshot, from, to)
        if (copied.missing.length === 0) {
          await finish(target, file, copied, now())
          return { ...copied, pruned: await pruneBlobs(snapshot, to) }
        }
        if (attempt === MOST_ATTEMPTS) throw blobsMissing(copied)
      } finally {
        await snapshot.close()
      }
      await rm(file)
    }
  } finally {
    await closers.close()
  }
}

/** The certificates and private keys too, readable for nobody else. */
export async function backUpCerts(config: Config, folder: string): Promise<string> {
  const target = join(resolve(folder), 'certs')
  await openBackupFolder(resolve(folder))
  await copyPrivately(config.certs, target)
  return target
}

async function copyCatalog(source: SqliteCatalog, folder: string, now: Date): Promise<string> {
  const file = catalogCopyPath(folder, now)
  // With its mode from the start: it holds who did what.
  await (await open(file, 'w', 0o600)).close()
  await source.copyTo(file)
  const handle = await open(file, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  return file
}

async function finish(folder: string, file: string, copied: CopyReport, now: Date): Promise<void> {
  await finishBackup(folder, {
    format: 1,
    finishedAt: now.toISOString(),
    version: await readVersion(),
    catalog: { file: basename(file), sha256: await sha256Of(file) },
    blobs: copied.copied + copied.present,
  })
}

function blobsMissing({ missing }: CopyReport): AppError {
  return new AppError(
    'blob-missing',
    `the catalog names ${missing.length} blobs that are gone, such as ${missing[0] ?? ''}: run fsck`,
  )
}

async function copyPrivately(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true, mode: 0o700 })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyPrivately(source, target)
    else {
      // Anew, as the mode of a file that exists would stay.
      await rm(target, { force: true })
      await writeFile(target, await readFile(source), { mode: 0o600 })
    }
  }
}
