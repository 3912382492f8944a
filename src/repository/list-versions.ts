import { type Catalog, type VersionRecord } from '../catalog/catalog.ts'
import { type ChartName } from '../chart/name.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { requireRepository } from './require-repository.ts'

/** The chart's versions, the newest first. Throws `chart-unknown` when there is none. */
export async function listVersions(
  { catalog }: { readonly catalog: Catalog },
  authorisation: Authorisation<'read'>,
  name: ChartName,
): Promise<readonly VersionRecord[]> {
  authorisation.requireChart(name)
  const versions = await catalog.listVersions(authorisation.repository, name)
  if (versions.length > 0) return versions
  await requireRepository(catalog, authorisation.repository)
  throw new AppError('chart-unknown', `there is no chart ${name} here`)
}
