import { type Authorisation } from '../policy/policy.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type EnsureFresh, type Freshness } from './freshness.ts'
import { type IndexCache } from './index-cache.ts'
import { type ServedIndex } from './served-index.ts'
import { type SettingsOf } from './settings.ts'
import { type VirtualRepositories } from './virtual-repositories.ts'

export interface ReadIndexDeps {
  readonly catalog: Catalog
  readonly indexes: IndexCache
  readonly virtual: VirtualRepositories
  readonly settingsOf: SettingsOf
  readonly ensureFresh: EnsureFresh
}

export interface ReadIndex extends ServedIndex {
  /** Of a mirror, or the stalest one in a virtual repository. */
  readonly freshness: Freshness | undefined
}

/**
 * The repository's index as this identity may see it. Throws `repository-unknown`, and `unavailable` for a mirror that
 * has never been read.
 */
export async function readIndex(
  deps: ReadIndexDeps,
  authorisation: Authorisation<'read'>,
): Promise<ReadIndex> {
  const freshness = await ensureAllFresh(deps, authorisation.repository)
  const index = (await deps.virtual.readIndex(authorisation)) ?? (await readOwnIndex(deps, authorisation))
  return { ...index, freshness }
}

/** Those of its members, where it is virtual. */
async function ensureAllFresh(
  { settingsOf, ensureFresh }: ReadIndexDeps,
  repository: RepositoryName,
): Promise<Freshness | undefined> {
  const { virtual } = settingsOf(repository)
  if (virtual === undefined) return ensureFresh(repository)
  const all = await Promise.all(virtual.map((member) => ensureFresh(member)))
  return all.flatMap((freshness) => freshness ?? []).toSorted((a, b) => a.ttlMs - b.ttlMs)[0]
}

async function readOwnIndex(
  { catalog, indexes }: ReadIndexDeps,
  { repository, chartScope: scope }: Authorisation<'read'>,
): Promise<ServedIndex> {
  const index = await indexes.read(repository, scope)
  const tag = `${catalog.epoch}.${index.revision}.${index.rendering}`
  return {
    index,
    tag: scope === undefined ? tag : `${tag}.${scope.key}`,
    key: `${repository} ${scope?.key ?? ''}`,
  }
}
