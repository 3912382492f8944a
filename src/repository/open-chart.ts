import { type Readable } from 'node:stream'
import { type BlobStore, type ByteRange } from '../blobs/blob-store.ts'
import { type Actor, type AuditEntry, type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type Digest } from '../chart/digest.ts'
import { findArchiveFilename, type ArchiveFilename } from '../chart/filename.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { quoted } from '../text.ts'
import { auditRead } from './audit-read.ts'
import { type OfferedVersions } from './offered-versions.ts'
import { type BlobCache } from './blob-cache.ts'
import { openBlob } from './read-blob.ts'
import { requireReading } from './require-reading.ts'
import { requireRepository } from './require-repository.ts'

export interface OpenDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly cache: BlobCache
  /** Told of every read whose bytes are about to be sent. Nobody waits for it. */
  readonly noteRead: (entry: AuditEntry) => void
  readonly offered: OfferedVersions
}

export interface OpenRequest {
  readonly filename: string
  readonly actor: Actor
}

/** A file of a version, known but not yet read. */
export interface OpenedFile {
  readonly version: VersionRecord
  readonly digest: string
  /** Bytes. */
  readonly size: number
  /** Of a mirror's file: whether it was here already. */
  readonly cacheStatus: 'hit' | 'fetched' | undefined
  open(range?: ByteRange): Promise<Readable | Buffer>
}

/**
 * The archive that has this file name; a mirror fetches it, if it has to. Throws `chart-unknown`, `repository-unknown`,
 * `not-allowed`, and what fetching throws.
 */
export async function openArchive(
  deps: OpenDeps,
  authorisation: Authorisation<'read'>,
  { filename, actor }: OpenRequest,
): Promise<OpenedFile> {
  const found = await getByFilename(deps, authorisation, { filename, actor })
  return openedFile(deps, found, { ...found.version, actor, detail: 'archive' })
}

/** The provenance of the archive that has this file name. Throws as `openArchive`. */
export async function openProvenance(
  deps: OpenDeps,
  authorisation: Authorisation<'read'>,
  { filename, actor }: OpenRequest,
): Promise<OpenedFile> {
  const found = await getByFilename(deps, authorisation, { filename, actor })
  return openedFile(deps, found, { ...found.version.provenance, actor, detail: 'provenance' })
}

interface Opening {
  readonly digest: Digest
  readonly size: number
  readonly actor: Actor
  readonly detail: 'archive' | 'provenance'
}

type Found = Pick<OpenedFile, 'version' | 'cacheStatus'>

function openedFile(
  { blobs, cache, noteRead }: OpenDeps,
  { version, cacheStatus }: Found,
  { digest, size, actor, detail }: Opening,
): OpenedFile {
  const { repository, name: chart, version: text } = version
  return {
    version,
    digest,
    size,
    cacheStatus,
    open: async (range) => {
      noteRead({ ...auditRead(actor, detail), repository, chart, version: text })
      const cached = cache.read(digest, size)
      return cached === undefined ? openBlob(blobs, digest, range) : slice(await cached, range)
    },
  }
}

function slice(bytes: Buffer, range: ByteRange | undefined): Buffer {
  return range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)
}

async function getByFilename(
  deps: OpenDeps,
  authorisation: Authorisation<'read'>,
  request: OpenRequest,
): Promise<Found> {
  const { repository } = authorisation
  const filename = findArchiveFilename(request.filename)
  if (authorisation.chartScope !== undefined) requireReading(authorisation, filename)
  const stored = filename && (await deps.catalog.findByFilename(repository, filename))
  const version = stored ?? (filename && (await bring(deps, authorisation, filename, request.actor)))
  // A file name can be that of another chart than the one that the caller may read.
  if (version === undefined || authorisation.chartScope?.covers(version.name) === false) {
    await requireRepository(deps.catalog, repository)
    throw new AppError('chart-unknown', `there is no chart ${quoted(request.filename)} here`)
  }
  if (!deps.offered.covers(repository)) return { version, cacheStatus: undefined }
  return { version, cacheStatus: stored === undefined ? 'fetched' : 'hit' }
}

async function bring(
  { catalog, offered }: OpenDeps,
  authorisation: Authorisation<'read'>,
  filename: ArchiveFilename,
  actor: Actor,
): Promise<VersionRecord | undefined> {
  const brought = await offered.bring(authorisation, filename, actor)
  return brought === 'stored' ? catalog.findByFilename(authorisation.repository, filename) : undefined
}
