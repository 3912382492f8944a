import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Readable } from 'node:stream'
import { AppError, isSystemError } from '../errors.ts'
import { renameDurably } from '../ops/durable.ts'
import { type ExportedFile, type RepositoryExport } from '../repository/export-repository.ts'
import { hasFile } from '../ops/has-file.ts'

export interface WrittenCounts {
  readonly written: number
  readonly unchanged: number
  readonly removed: number
}

const PACKAGE = /\.tgz(?:\.prov)?$/

/**
 * Writes a static copy, or brings one up to date: what is there with the same bytes stays, and each file appears whole.
 * The index comes last, and what it names no more is removed after it, so that a reader always finds what it is told of.
 * Anything else in the folder is left alone.
 */
export async function writeDirectory(
  { files }: RepositoryExport,
  folder: string,
  onFile: (path: string) => void,
): Promise<WrittenCounts> {
  const isUpdate = await hasFile(join(folder, 'index.yaml'))
  const counts = { written: 0, unchanged: 0 }
  for (const file of files) {
    const path = join(folder, file.path)
    if (await isThere(path, file)) {
      counts.unchanged += 1
    } else {
      await writeFile(path, file)
      counts.written += 1
    }
    onFile(file.path)
  }
  // Only in a copy: the packages of a folder that was never one are somebody else's.
  const removed = isUpdate ? await removeOthers(join(folder, 'charts'), files) : 0
  return { ...counts, removed }
}

async function isThere(path: string, { digest }: ExportedFile): Promise<boolean> {
  if (digest === undefined || !(await hasFile(path))) return false
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) hash.update(chunk)
  return hash.digest('hex') === digest
}

async function writeFile(path: string, file: ExportedFile): Promise<void> {
  await writeWhole(path, await file.open())
}

/** Under another name first. What a killed run has left under that name is written over. */
export async function writeWhole(
  path: string,
  content: Readable | AsyncIterable<Buffer> | readonly Buffer[],
): Promise<void> {
  const unfinished = join(dirname(path), `.${basename(path)}.unfinished`)
  try {
    await mkdir(dirname(path), { recursive: true })
    const handle = await open(unfinished, 'w', 0o644)
    try {
      for await (const chunk of content as AsyncIterable<Buffer>) await handle.writeFile(chunk)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await renameDurably(unfinished, path)
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined)
    throw describe(path, error)
  }
}

function describe(path: string, error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error) || !('code' in error)) return error
  const code = error.code === 'ENOSPC' || error.code === 'EDQUOT' ? 'storage-full' : 'request-invalid'
  return new AppError(code, `${path} cannot be written: ${String(error.code)}`, { cause: error })
}

async function removeOthers(folder: string, files: readonly ExportedFile[]): Promise<number> {
  const named = new Set(files.map(({ path }) => path))
  const others = (await listIfAny(folder)).filter(
    (name) => PACKAGE.test(name) && !named.has(`charts/${name}`),
  )
  for (const name of others) await rm(join(folder, name), { force: true })
  return others.length
}

async function listIfAny(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    // An empty repository has no such folder.
    if (isSystemError(error, 'ENOENT')) return []
    throw error
  }
}
