import { type Readable } from 'node:stream'
import { type BlobStore, type ByteRange } from '../blobs/blob-store.ts'
import { type Actor, type AuditEntry, type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type Digest } from '../chart/digest.ts'
import { findArchiveFilename } from '../chart/filename.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { quoted } from '../text.ts'
import { type BlobCache } from './blob-cache.ts'
import { openBlob } from './read-blob.ts'
import { requireRepository } from './require-repository.ts'

export interface OpenDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly cache: BlobCache
  /** Told of every read whose bytes are about to be sent. Nobody waits for it. */
  readonly noteRead: (entry: AuditEntry) => void
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
  open(range?: ByteRange): Promise<Readable | Buffer>
}

/** The archive that has this file name. Throws `chart-unknown`, `repository-unknown`, `not-allowed`. */
export async function openArchive(
  deps: OpenDeps,
  authorisation: Authorisation<'read'>,
  { filename, actor }: OpenRequest,
): Promise<OpenedFile> {
  const version = await findByFilename(deps, authorisation, filename)
  return openedFile(deps, version, { ...version, actor, detail: 'archive' })
}

/** The provenance of the archive that has this file name. Throws as `openArchive`. */
export async function openProvenance(
  deps: OpenDeps,
  authorisation: Authorisation<'read'>,
  { filename, actor }: OpenRequest,
): Promise<OpenedFile> {
  const version = await findByFilename(deps, authorisation, filename)
  return openedFile(deps, version, { ...version.provenance, actor, detail: 'provenance' })
}

interface Opening {
  readonly digest: Digest
  readonly size: number
  readonly actor: Actor
  readonly detail: 'archive' | 'provenance'
}

function openedFile(
  { blobs, cache, noteRead }: OpenDeps,
  version: VersionRecord,
  { digest, size, actor, detail }: Opening,
): OpenedFile {
  const { repository, name: chart, version: text } = version
  return {
    version,
    digest,
    size,
    open: async (range) => {
      noteRead({ ...actor, action: 'read', outcome: 'done', repository, chart, version: text, detail })
      const cached = cache.read(digest, size)
      return cached === undefined ? openBlob(blobs, digest, range) : slice(await cached, range)
    },
  }
}

function slice(bytes: Buffer, range: ByteRange | undefined): Buffer {
  return range === undefined ? bytes : bytes.subarray(range.start, range.end + 1)
}

async function findByFilename(
  { catalog }: OpenDeps,
  authorisation: Authorisation<'read'>,
  filename: string,
): Promise<VersionRecord> {
  const { repository } = authorisation
  const wanted = findArchiveFilename(filename)
  const version = wanted === undefined ? undefined : await catalog.findByFilename(repository, wanted)
  if (version === undefined) {
    await requireRepository(catalog, repository)
    throw new AppError('chart-unknown', `there is no chart ${quoted(filename)} here`)
  }
  authorisation.requireChart(version.name)
  return version
}
