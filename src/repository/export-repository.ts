import { type Readable } from 'node:stream'
import { type BlobStore } from '../blobs/blob-store.ts'
import { type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type Digest } from '../chart/digest.ts'
import { PROVENANCE_SUFFIX } from '../chart/filename.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { RenderedIndex } from '../repoindex/rendered-index.ts'
import { openBlob } from './read-blob.ts'
import { requireRepository } from './require-repository.ts'
import { type SettingsOf } from './settings.ts'

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

/** A repository at one revision. */
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
  for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
    const { revision, changedAt } = await requireRepository(deps.catalog, repository)
    const charts = await listCharts(deps.catalog, repository)
    const after = await requireRepository(deps.catalog, repository)
    // Nothing changed from the first look to the last: what was read between them is the one state.
    if (after.revision !== revision) continue
    const versions = charts.flatMap((chart) => chart.versions)
    const index = RenderedIndex.render({
      revision,
      changedAt,
      charts: charts.map(({ name, versions: own }) => ({
        name,
        fragments: own.map(({ fragment }) => fragment),
      })),
    })
    const files = [
      ...keyFiles(deps, repository),
      ...versions.flatMap((version) => versionFiles(deps, version)),
    ]
    return { repository, revision, versions, files: [...files, bytesFile('index.yaml', index.toBuffers())] }
  }
  throw new AppError('unavailable', `${describeRepository(repository)} is changing all the time; try again`)
}

async function listCharts(
  catalog: Catalog,
  repository: RepositoryName,
): Promise<readonly { readonly name: string; readonly versions: readonly VersionRecord[] }[]> {
  const charts = []
  for (const { name } of await catalog.countVersions(repository)) {
    charts.push({ name, versions: await catalog.listVersions(repository, name) })
  }
  return charts
}

function keyFiles({ settingsOf }: ExportDeps, repository: RepositoryName): readonly ExportedFile[] {
  const { publicKeyring } = settingsOf(repository)
  return [
    bytesFile('keys/provenance.gpg', [Buffer.from(publicKeyring.toBinary())]),
    bytesFile('keys/provenance.asc', [Buffer.from(publicKeyring.toArmored())]),
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
