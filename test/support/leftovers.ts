import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The files below a folder, relative to it; none where there is no folder. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()
}

/** Nothing of an upload is left: no temporary file, and no blob but those expected. */
export async function assertStored(storage: string, expected: { readonly blobs: number }): Promise<void> {
  assert.deepEqual(await filesBelow(join(storage, 'tmp')), [])
  assert.equal((await filesBelow(join(storage, 'blobs'))).length, expected.blobs)
}
