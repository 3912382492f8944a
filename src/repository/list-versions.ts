import { type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type ChartName } from '../chart/name.ts'
import { versionSortKey } from '../chart/version.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { type OfferedVersion, type OfferedVersions } from './offered-versions.ts'
import { requireRepository } from './require-repository.ts'

export interface ListDeps {
  readonly catalog: Catalog
  readonly offered: OfferedVersions
}

/** A version that the index has: stored here, or only offered by an upstream. */
export type ListedVersion = VersionRecord | OfferedVersion

/** The chart's versions, the newest first, as in the index. Throws `chart-unknown` when there is none. */
export async function listVersions(
  { catalog, offered }: ListDeps,
  authorisation: Authorisation<'read'>,
  name: ChartName,
): Promise<readonly ListedVersion[]> {
  authorisation.requireChart(name)
  const { repository } = authorisation
  const isMirror = offered.covers(repository)
  // Before what is stored: what is fetched in between is then in both, and not in neither.
  const offers = isMirror ? await offered.list(repository, name) : []
  const stored = await catalog.listVersions(repository, name)
  const versions = offers.length === 0 ? stored : merge(stored, offers)
  if (versions.length > 0) return versions
  await requireRepository(catalog, repository)
  throw new AppError('chart-unknown', `there is no chart ${name} here`)
}

function merge(
  stored: readonly VersionRecord[],
  offers: readonly OfferedVersion[],
): readonly ListedVersion[] {
  const all = new Map<string, ListedVersion>(
    [...offers, ...stored].map((one) => [versionSortKey(one.version), one]),
  )
  return [...all.entries()].sort(([a], [b]) => (a < b ? 1 : -1)).map(([, version]) => version)
}
