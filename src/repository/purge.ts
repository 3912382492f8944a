import { type BlobStore } from '../blobs/blob-store.ts'
import { type Actor, type Catalog, type Purged } from '../catalog/catalog.ts'
import { type Digest } from '../chart/digest.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { AppError } from '../errors.ts'

export interface PurgeDeps {
  readonly catalog: Catalog
  readonly blobs: BlobStore
}

export type PurgeTarget =
  /** These bytes, and the same members in other bytes, wherever they are. */
  | { readonly kind: 'digest'; readonly digest: Digest }
  /** What is, or was, published under this name and version. */
  | {
      readonly kind: 'version'
      readonly name: ChartName
      readonly version: ChartVersion
      readonly repository: RepositoryName | 'everywhere'
    }

/**
 * Takes leaked content out of sight and off the disk at once; it may not come back. Bytes that a repository outside of
 * the target still serves stay. When it is broken off, the same call again does the rest. Throws `chart-unknown`.
 */
export async function purge(
  deps: PurgeDeps,
  target: PurgeTarget,
  reason: string,
  actor: Actor,
): Promise<Purged> {
  const repository = target.kind === 'digest' ? 'everywhere' : target.repository
  const done: Purged[] = []
  for (const digest of await digestsOf(deps.catalog, target)) {
    const purged = await deps.catalog.purge(digest, { repository, reason }, actor)
    for (const blob of purged.blobs) await deps.blobs.delete(blob)
    await deps.catalog.blobsDeleted(purged.blobs)
    done.push(purged)
  }
  return {
    versions: done.flatMap(({ versions }) => versions),
    blobs: done.flatMap(({ blobs }) => blobs),
  }
}

/** A deleted version counts too: its bytes are there until gc comes round. */
async function digestsOf(catalog: Catalog, target: PurgeTarget): Promise<ReadonlySet<Digest>> {
  if (target.kind === 'digest') return new Set([target.digest])
  const { name, version } = target
  const digests = new Set<Digest>()
  for (const repository of await repositoriesOf(catalog, target.repository)) {
    const known = await catalog.findTombstone({ repository, name, version })
    if (known !== undefined) digests.add(known.digest)
  }
  if (digests.size > 0) return digests
  throw new AppError('chart-unknown', `there is and was no ${name} ${version} to purge`)
}

async function repositoriesOf(
  catalog: Catalog,
  scope: RepositoryName | 'everywhere',
): Promise<readonly RepositoryName[]> {
  if (scope !== 'everywhere') return [scope]
  return (await catalog.listRepositories()).map(({ name }) => name)
}
