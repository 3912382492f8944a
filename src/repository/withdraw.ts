import { type Actor, type Catalog, type VersionId, type VersionRecord } from '../catalog/catalog.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { requireRepository } from './require-repository.ts'

/** Removes a version from sight. Its name and version stay taken, for the same content only. Throws `chart-unknown`. */
export async function withdraw(
  { catalog }: { readonly catalog: Catalog },
  authorisation: Authorisation<'delete'>,
  id: VersionId,
  actor: Actor,
): Promise<VersionRecord> {
  authorisation.requireChart(id.name)
  const withdrawn = await catalog.withdrawVersion(id, actor)
  if (withdrawn !== undefined) return withdrawn
  await requireRepository(catalog, id.repository)
  throw new AppError('chart-unknown', `there is no ${id.name} ${id.version} to delete`)
}
