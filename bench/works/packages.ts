import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { archiveFilename } from '../../src/chart/filename.ts'
import { archiveOf } from '../data/archives.ts'
import { chartVersions } from '../data/chart-versions.ts'

const SEED = 3

/** A folder of packages; returns their file names. */
export async function writePackages(
  folder: string,
  count: number,
  bytes: number,
): Promise<readonly string[]> {
  await mkdir(folder, { recursive: true })
  const names: string[] = []
  for (const metadata of chartVersions({ seed: SEED, count, shape: 'many' })) {
    const name = archiveFilename(metadata.name, metadata.version)
    await writeFile(join(folder, name), await archiveOf(metadata, bytes))
    names.push(name)
  }
  return names
}
