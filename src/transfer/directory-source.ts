import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { Readable } from 'node:stream'
import { ARCHIVE_SUFFIX, PROVENANCE_SUFFIX } from '../chart/filename.ts'
import { parseRepositoryName, type RepositoryName } from '../chart/repository-name.ts'
import { AppError, isSystemError } from '../errors.ts'
import { MOST_PROVENANCE_BYTES } from '../provenance/message.ts'
import { type ImportPackage } from '../repository/import-package.ts'
import { type PackageSource } from './package-source.ts'
import { MOST_INDEX_BYTES, parseSourceIndex } from './source-index.ts'

export interface DirectorySourceOptions {
  readonly directory: string
  readonly repository: RepositoryName
  /** `below`: each sub-folder is a repository below `repository`, as ChartMuseum keeps its tenants. */
  readonly tenants: 'below' | 'none'
}

/** ChartMuseum's own, then any repository's: from the one that is there comes `created`. */
const INDEX_FILES = ['index-cache.yaml', 'index.yaml']

/** Where a static copy keeps the packages of its folder. No repository can have this name. */
const STATIC_FOLDER = 'charts'

/** Up to here a file is read whole: opening a stream on it costs as much again. */
const SMALL_BYTES = 64 * 1024

interface Archive {
  readonly path: string
  readonly hasProvenance: boolean
}

interface Folder {
  readonly path: string
  readonly archives: readonly Archive[]
  readonly tenant: string
}

/** Throws `request-invalid` where there is no such folder. */
export async function openDirectorySource(options: DirectorySourceOptions): Promise<PackageSource> {
  const { folders, leftOut } = await findFolders(options)
  const found =
    leftOut.length === 0 ? '' : leftOut.map((path) => relative(options.directory, path)).join(', ')
  return {
    total: folders.reduce((sum, { archives }) => sum + archives.length, 0),
    notes: found === '' ? [] : [`left out the sub-folders ${found}; with --tenants they become repositories`],
    packages: async function* () {
      for (const folder of folders) yield* packagesOf(folder, options)
    },
  }
}

interface Found {
  readonly folders: readonly Folder[]
  /** Sub-folders with packages that nobody asked for. */
  readonly leftOut: readonly string[]
}

async function findFolders(options: DirectorySourceOptions, tenant = ''): Promise<Found> {
  const path = join(options.directory, tenant)
  const listing = await list(path)
  const names = listing.filter((entry) => entry.isDirectory()).map(({ name }) => name)
  const archives = archivesIn(path, listing)
  if (names.includes(STATIC_FOLDER)) archives.push(...(await listArchives(join(path, STATIC_FOLDER))))
  const own = { path, archives: archives.toSorted(byPath), tenant }
  const below = names.filter((name) => name !== STATIC_FOLDER).toSorted()
  if (options.tenants === 'none') return { folders: [own], leftOut: await withArchives(path, below) }
  const folders: Folder[] = [own]
  for (const name of below) folders.push(...(await findFolders(options, join(tenant, name))).folders)
  return { folders, leftOut: [] }
}

async function withArchives(parent: string, names: readonly string[]): Promise<readonly string[]> {
  const paths: string[] = []
  for (const path of names.map((name) => join(parent, name))) {
    if ((await listArchives(path)).length > 0) paths.push(path)
  }
  return paths
}

async function listArchives(folder: string): Promise<readonly Archive[]> {
  return archivesIn(folder, await list(folder))
}

type Listing = Awaited<ReturnType<typeof list>>

async function list(path: string) {
  return readdir(path, { withFileTypes: true }).catch((error: unknown) => {
    throw new AppError('request-invalid', `${path} cannot be read as a folder`, { cause: error })
  })
}

function archivesIn(folder: string, listing: Listing): Archive[] {
  const names = new Set(listing.map(({ name }) => name))
  const files = listing.filter((entry) => entry.isFile() && entry.name.endsWith(ARCHIVE_SUFFIX))
  return files.map(({ name }) => ({
    path: join(folder, name),
    hasProvenance: names.has(`${name}${PROVENANCE_SUFFIX}`),
  }))
}

function byPath(a: Archive, b: Archive): number {
  return a.path < b.path ? -1 : 1
}

async function* packagesOf(
  folder: Folder,
  { repository }: DirectorySourceOptions,
): AsyncIterable<ImportPackage> {
  const created = await readCreated(folder.path)
  for (const { path, hasProvenance } of folder.archives) {
    const filename = basename(path)
    const { mtime, size } = await stat(path)
    const pack = { source: path, filename, createdAt: created.get(filename) ?? mtime, close: () => undefined }
    try {
      const target = belowRepository(repository, folder.tenant)
      const readProvenance = async () => (hasProvenance ? readProvenanceBeside(path) : undefined)
      yield { ...pack, repository: target, readProvenance, open: async () => openFile(path, size) }
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      const refuse = async () => Promise.reject(error)
      yield { ...pack, repository, readProvenance: refuse, open: refuse }
    }
  }
}

function belowRepository(repository: RepositoryName, tenant: string): RepositoryName {
  return parseRepositoryName([repository, tenant].filter((part) => part !== '').join('/'))
}

/** By file name. */
async function readCreated(folder: string): Promise<ReadonlyMap<string, Date>> {
  for (const name of INDEX_FILES) {
    const path = join(folder, name)
    const text = await readIfAny(path, MOST_INDEX_BYTES)
    if (text === undefined) continue
    return new Map(entriesOf(path, text.toString()).flatMap(datesOf))
  }
  return new Map()
}

function entriesOf(path: string, text: string): ReturnType<typeof parseSourceIndex> {
  try {
    return parseSourceIndex(text)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `${path}: ${error.message}`, { cause: error })
  }
}

function datesOf({
  name,
  version,
  urls,
  createdAt,
}: ReturnType<typeof parseSourceIndex>[number]): [string, Date][] {
  if (createdAt === undefined) return []
  const names = [`${name}-${version}${ARCHIVE_SUFFIX}`, ...urls.map((url) => basename(url))]
  return names.map((filename) => [filename, createdAt])
}

async function readProvenanceBeside(path: string): Promise<Buffer | undefined> {
  return readIfAny(`${path}${PROVENANCE_SUFFIX}`, MOST_PROVENANCE_BYTES)
}

async function readIfAny(path: string, maxBytes: number): Promise<Buffer | undefined> {
  try {
    const { size } = await stat(path)
    if (size > maxBytes) throw new AppError('too-large', `${path} is larger than ${maxBytes} bytes`)
    return await readFile(path)
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return undefined
    if (error instanceof AppError) throw error
    throw unreadable(path, error)
  }
}

async function openFile(path: string, size: number): Promise<Readable> {
  if (size <= SMALL_BYTES) return Readable.from([await readWhole(path)])
  const stream = createReadStream(path)
  return new Promise((resolve, reject) => {
    stream.once('open', () => {
      resolve(stream)
    })
    stream.once('error', (error) => {
      reject(unreadable(path, error))
    })
  })
}

async function readWhole(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw unreadable(path, error)
  }
}

function unreadable(path: string, cause: unknown): AppError {
  return new AppError('request-invalid', `${path} cannot be read`, { cause })
}
