import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import { AppError, isSystemError } from '../errors.ts'
import { makeDurableFolder, renameDurably, syncFolder } from '../ops/durable.ts'

/**
 * A backup:
 *
 *     <folder>/backup.json                          names the catalog; written last, replaced in one step
 *     <folder>/catalog-<time>-<random>.db           the catalog as it was then
 *     <folder>/blobs/sha256/<2 hex>/<64 hex>        what that catalog names, shared with the next backup
 *     <folder>/certs/                               with --with-certs only
 *
 * A backup that was broken off leaves the one before as it was.
 */
const MARKER = 'backup.json'
const CATALOG = /^catalog-[0-9TZ]+-[0-9a-f]+\.db(?:-journal)?$/

const markerSchema = z.strictObject({
  format: z.literal(1),
  finishedAt: z.iso.datetime(),
  /** Of Chartroom. */
  version: z.string(),
  catalog: z.strictObject({ file: z.string().regex(CATALOG), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
  blobs: z.int().min(0),
})

export type BackupMarker = z.infer<typeof markerSchema>

/** Makes the folder, or takes one that holds backups. Throws `config-invalid` for any other. */
export async function openBackupFolder(folder: string): Promise<void> {
  await makeDurableFolder(folder)
  const foreign = (await readdir(folder)).filter((name) => !isOurs(name))
  if (foreign.length > 0)
    throw new AppError(
      'config-invalid',
      `${folder} holds other files than a backup: name a folder for backups`,
    )
}

export function catalogCopyPath(folder: string, now: Date): string {
  const time = now.toISOString().replaceAll(/[-:.]/g, '')
  return join(folder, `catalog-${time}-${randomBytes(4).toString('hex')}.db`)
}

export async function finishBackup(folder: string, marker: BackupMarker): Promise<void> {
  const temporary = join(folder, `${MARKER}.new`)
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(marker, undefined, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await renameDurably(temporary, join(folder, MARKER))
  const older = (await readdir(folder)).filter((name) => CATALOG.test(name) && name !== marker.catalog.file)
  for (const name of older) await rm(join(folder, name))
  await syncFolder(folder)
}

/** Throws `config-invalid` for what is no finished backup, and `digest-mismatch` for one whose catalog has changed. */
export async function readBackup(
  folder: string,
): Promise<{ readonly marker: BackupMarker; readonly catalog: string }> {
  const marker = await readMarker(folder)
  const catalog = join(folder, marker.catalog.file)
  if ((await sha256Of(catalog)) !== marker.catalog.sha256)
    throw new AppError('digest-mismatch', `${catalog} has other bytes than when it was written`)
  return { marker, catalog }
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

async function readMarker(folder: string): Promise<BackupMarker> {
  let text: string
  try {
    text = await readFile(join(folder, MARKER), 'utf8')
  } catch (error) {
    if (!isSystemError(error, 'ENOENT')) throw error
    throw new AppError('config-invalid', `${folder} holds no finished backup: there is no ${MARKER}`)
  }
  const parsed = markerSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new AppError('config-invalid', `${join(folder, MARKER)} is not one that this version can read`)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isOurs(name: string): boolean {
  return ['blobs', 'tmp', 'certs', MARKER, `${MARKER}.new`, 'lost+found'].includes(name) || CATALOG.test(name)
}
