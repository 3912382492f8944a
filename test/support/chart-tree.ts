import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

/** Charts as directories. */

/** Writes the files below the directory, which is made when absent. */
export async function writeTree(
  directory: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    const file = join(directory, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }
}

/** The names of an archive's members as GNU tar reads them, sorted. */
export async function memberNames(archive: Buffer, scratch: string): Promise<readonly string[]> {
  const file = join(await mkdtemp(join(scratch, 'members-')), 'archive.tgz')
  await writeFile(file, archive)
  const { stdout } = await promisify(execFile)('tar', ['--quoting-style=literal', '-tzf', file])
  return stdout.split('\n').filter(Boolean).sort()
}
