import { type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { operatorAuthorisation } from '../policy/policy.ts'
import { IndexCache } from './index-cache.ts'
import { requireRepository } from './require-repository.ts'
import { type SettingsOf } from './settings.ts'
import { VirtualRepositories } from './virtual-repositories.ts'

export interface PartsDeps {
  readonly catalog: Catalog
  readonly settingsOf: SettingsOf
}

/** A chart with its versions, the newest first. */
export interface StoredChart {
  readonly name: string
  readonly versions: readonly VersionRecord[]
}

/** The repositories whose versions are the repository's: the members of a virtual one, itself otherwise. */
export function partsOf({ settingsOf }: PartsDeps, repository: RepositoryName): readonly RepositoryName[] {
  return settingsOf(repository).virtual ?? [repository]
}

/** As all parts are together. Throws `repository-unknown`. */
export async function stateOfParts(
  { catalog }: PartsDeps,
  parts: readonly RepositoryName[],
): Promise<{ readonly revision: number; readonly changedAt: Date }> {
  const records = await Promise.all(parts.map((part) => requireRepository(catalog, part)))
  return {
    revision: records.reduce((sum, { revision }) => sum + revision, 0),
    changedAt: new Date(Math.max(...records.map(({ changedAt }) => changedAt.getTime()))),
  }
}

/** What is stored of the charts that the repository shows, in order of name. */
export async function listStoredCharts(
  deps: PartsDeps,
  repository: RepositoryName,
): Promise<readonly StoredChart[]> {
  if (deps.settingsOf(repository).virtual === undefined) return chartsOf(deps.catalog, repository)
  const virtual = new VirtualRepositories({
    ...deps,
    indexes: new IndexCache(deps.catalog),
    // What is stored is copied, and no mirror asked for more.
    ensureFresh: () => Promise.resolve(undefined),
  })
  const reading = operatorAuthorisation('read', repository)
  const charts: StoredChart[] = []
  for (const member of partsOf(deps, repository)) {
    for (const { name, versions } of await chartsOf(deps.catalog, member)) {
      const shown: VersionRecord[] = []
      for (const version of versions) {
        const holder = await virtual.holderOf(reading, version.name)
        const fileHolder = await virtual.holderOfFile(reading, version.filename)
        if (holder.repository === member && fileHolder.repository === member) shown.push(version)
      }
      if (shown.length > 0) charts.push({ name, versions: shown })
    }
  }
  return charts.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function chartsOf(catalog: Catalog, repository: RepositoryName): Promise<readonly StoredChart[]> {
  const charts: StoredChart[] = []
  for (const { name } of await catalog.countVersions(repository)) {
    charts.push({ name, versions: await catalog.listVersions(repository, name) })
  }
  return charts
}
