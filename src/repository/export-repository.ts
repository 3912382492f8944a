import { type Readable } from 'node:stream'
import { type BlobStore } from '../blobs/blob-store.ts'
import { type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type Digest } from '../chart/digest.ts'
import { PROVENANCE_SUFFIX } from '../chart/filename.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { versionSortKey } from '../chart/version.ts'
import { AppError } from '../errors.ts'
import { type IndexedVersion, RenderedIndex } from '../repoindex/rendered-index.ts'
import { listStoredCharts, partsOf, stateOfParts } from './export-parts.ts'
import { openBlob } from './read-blob.ts'
import { requireRepository } from './require-repository.ts'
import { publicKeyringOf, type SettingsOf } from './settings.ts'

export interface ExportDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
  readonly settingsOf: SettingsOf
}

/** A file of a static copy. */
export interface ExportedFile {
  /** Below the repository's folder: `charts/demo-0.1.0.tgz`. */
  readonly path: string
  readonly size: number
  /** Of files that never change under their name. */
  readonly digest?: Digest
  readonly open: () => Promise<Readable | readonly Buffer[]>
}

/** A repository at one revision; a virtual one, with all its members at one. */
export interface RepositoryExport {
  readonly repository: RepositoryName
  readonly revision: number
  readonly versions: readonly VersionRecord[]
  /** In the order to write them: each before what names it, so that a reader of the copy finds what it is told of. */
  readonly files: readonly ExportedFile[]
}

/** A busy repository changes between two looks; one that always does is too busy to copy. */
const MOST_ATTEMPTS = 20

/** Throws `repository-unknown`, or `unavailable` where it never stands still. */
export async function exportRepository(
  deps: ExportDeps,
  repository: RepositoryName,
): Promise<RepositoryExport> {
  await requireRepository(deps.catalog, repository)
  const parts = partsOf(deps, repository)
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const { revision, changedAt } = await stateOfParts(deps, parts)
    const charts = await listStoredCharts(deps, repository)
    const after = await stateOfParts(deps, parts)
    // Nothing changed from the first look to the last: what was read between them is the one state.
    if (after.revision !== revision) continue
    const versions = charts.flatMap((chart) => chart.versions)
    const index = await RenderedIndex.render({ revision, changedAt, versions: charts.map(indexed) })
    const files = [...keyFiles(deps, parts), ...versions.flatMap((version) => versionFiles(deps, version))]
    return { repository, revision, versions, files: [...files, bytesFile('index.yaml', index.toBuffers())] }
  }
  throw new AppError('unavailable', `${describeRepository(repository)} is changing all the time; try again`)
}

function indexed({ versions }: { readonly versions: readonly VersionRecord[] }): readonly IndexedVersion[] {
  return versions.map(({ name, version, fragment }) => ({ name, sortKey: versionSortKey(version), fragment }))
}

function keyFiles({ settingsOf }: ExportDeps, parts: readonly RepositoryName[]): readonly ExportedFile[] {
  const keyring = publicKeyringOf(settingsOf, parts)
  return [
    bytesFile('keys/provenance.gpg', [Buffer.from(keyring.toBinary())]),
    bytesFile('keys/provenance.asc', [Buffer.from(keyring.toArmored())]),
  ]
}

/** The provenance first: who finds the archive finds it too. */
function versionFiles({ blobs }: ExportDeps, version: VersionRecord): readonly ExportedFile[] {
  const path = `charts/${version.filename}`
  const { digest, size } = version.provenance
  return [
    { path: `${path}${PROVENANCE_SUFFIX}`, digest, size, open: async () => openBlob(blobs, digest) },
    { path, digest: version.digest, size: version.size, open: async () => openBlob(blobs, version.digest) },
  ]
}

function bytesFile(path: string, buffers: readonly Buffer[]): ExportedFile {
  const size = buffers.reduce((sum, { length }) => sum + length, 0)
  return { path, size, open: async () => Promise.resolve(buffers) }
}
