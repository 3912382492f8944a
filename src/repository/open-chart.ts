import { type Readable } from 'node:stream'
import { type BlobStore, type ByteRange } from '../blobs/blob-store.ts'
import { type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { findArchiveFilename } from '../chart/filename.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { quoted } from '../text.ts'
import { openBlob } from './read-blob.ts'
import { requireRepository } from './require-repository.ts'

export interface OpenDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
}

/** A file of a version, known but not yet read. */
export interface OpenedFile {
  readonly version: VersionRecord
  readonly digest: string
  /** Bytes. */
  readonly size: number
  open(range?: ByteRange): Promise<Readable>
}

/** The archive that has this file name. Throws `chart-unknown`, `repository-unknown`, `not-allowed`. */
export async function openArchive(
  deps: OpenDeps,
  authorisation: Authorisation<'read'>,
  filename: string,
): Promise<OpenedFile> {
  const version = await findByFilename(deps, authorisation, filename)
  const { digest, size } = version
  return { version, digest, size, open: (range) => openBlob(deps.blobs, digest, range) }
}

/** The provenance of the archive that has this file name. Throws as `openArchive`. */
export async function openProvenance(
  deps: OpenDeps,
  authorisation: Authorisation<'read'>,
  filename: string,
): Promise<OpenedFile> {
  const version = await findByFilename(deps, authorisation, filename)
  const { digest, size } = version.provenance
  return { version, digest, size, open: (range) => openBlob(deps.blobs, digest, range) }
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
