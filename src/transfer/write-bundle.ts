import { pack, type Pack } from 'tar-stream'
import { type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { type ExportedFile, type RepositoryExport } from '../repository/export-repository.ts'
import { folderOf, MANIFEST_PATH, pathBelow, renderManifest } from './bundle.ts'
import { writeWhole } from './write-directory.ts'

/** Writes the bundle under another name first: the file is whole or not there. */
export async function writeBundle(
  file: string,
  exports: readonly RepositoryExport[],
  { base, onFile }: { readonly base: RepositoryName; readonly onFile: (path: string) => void },
): Promise<void> {
  const tar = pack()
  const filling = fill(tar, exports, { base, onFile }).catch((error: unknown) => {
    tar.destroy(error instanceof Error ? error : undefined)
    throw error
  })
  // Its failure comes out of the tar as well; both are awaited.
  const [written, filled] = await Promise.allSettled([
    // streamx types as unknown what it yields.
    writeWhole(file, tar as AsyncIterable<unknown> as AsyncIterable<Buffer>),
    filling,
  ])
  if (written.status === 'rejected') throw written.reason
  if (filled.status === 'rejected') throw filled.reason
}

async function fill(
  tar: Pack,
  exports: readonly RepositoryExport[],
  { base, onFile }: { readonly base: RepositoryName; readonly onFile: (path: string) => void },
): Promise<void> {
  tar.entry({ name: MANIFEST_PATH }, renderManifest(exports, base))
  for (const { repository, files } of exports) {
    for (const file of files) {
      await addFile(tar, pathBelow(folderOf(repository, base), file.path), file)
      onFile(file.path)
    }
  }
  tar.finalize()
}

async function addFile(tar: Pack, name: string, { size, open }: ExportedFile): Promise<void> {
  const content = await open()
  const entry = tar.entry({ name, size, mode: 0o644 })
  for await (const chunk of content as AsyncIterable<Buffer>) {
    if (!entry.write(chunk)) await drained(entry)
  }
  entry.end(undefined)
}

async function drained(entry: ReturnType<Pack['entry']>): Promise<void> {
  await new Promise<void>((resolve) => {
    entry.once('drain', () => {
      resolve()
    })
    entry.once('close', () => {
      resolve()
    })
  })
  // Whoever writes the bundle knows why.
  if (entry.destroyed) throw new AppError('unavailable', 'the bundle cannot be written')
}
