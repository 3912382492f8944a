import { closeSync, fsync, open, openSync, writeFile } from 'node:fs'
import { mkdir, rename } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { promisify } from 'node:util'

const create = promisify<string, 'wx', number, number>(open)
const write = promisify<number, Buffer>(writeFile)
const sync = promisify(fsync)

/**
 * Changes to folders that survive a power cut once these functions have resolved: a folder's own fsync is what makes
 * the names in it durable (fsync(2): "Calling fsync() does not necessarily ensure that the entry in the directory
 * containing the file has also reached disk"). What may wait for the disk, or for its journal, goes to another thread.
 * The opening of a folder and the closing of what is synced never do, and handing them over costs ten times what they
 * take.
 */

/** The file's bytes have to be on disk before: otherwise the name may survive without them. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to)
  await syncFolder(dirname(to))
}

/** Makes the folder, and those above it, with mode 0700 where they are missing. */
export async function makeDurableFolder(path: string): Promise<void> {
  const folder = resolve(path)
  const first = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (first === undefined) return
  const top = dirname(first)
  for (let made = folder; made !== top; made = dirname(made)) await syncFolder(dirname(made))
}

export async function syncFolder(folder: string): Promise<void> {
  const descriptor = openSync(folder, 'r')
  try {
    await sync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** A new file, with mode 0600, whose bytes are durable once this has resolved, and its name is not yet. */
export async function writeSmallFile(path: string, bytes: Buffer): Promise<void> {
  const descriptor = await create(path, 'wx', 0o600)
  try {
    await write(descriptor, bytes)
    await sync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
