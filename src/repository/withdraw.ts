import { type Actor, type Catalog, type VersionId, type VersionRecord } from '../catalog/catalog.ts'
import { type ChartName } from '../chart/name.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { requireWritable } from './admission.ts'
import { requireRepository } from './require-repository.ts'
import { type SettingsOf } from './settings.ts'

export interface WithdrawDeps {
  readonly catalog: Catalog
  readonly settingsOf: SettingsOf
}

/** Removes a version from sight. Its name and version stay taken, for the same content only. Throws `chart-unknown`. */
export async function withdraw(
  { catalog, settingsOf }: WithdrawDeps,
  authorisation: Authorisation<'delete'>,
  id: VersionId,
  actor: Actor,
): Promise<VersionRecord> {
  authorisation.requireChart(id.name)
  requireWritable(settingsOf, id.repository)
  const withdrawn = await catalog.withdrawVersion(id, actor)
  if (withdrawn !== undefined) return withdrawn
  await requireRepository(catalog, id.repository)
  throw new AppError('chart-unknown', `there is no ${id.name} ${id.version} to delete`)
}

/** Does so with all versions of a chart, or with none. The newest first. Throws `chart-unknown`. */
export async function withdrawChart(
  { catalog, settingsOf }: WithdrawDeps,
  authorisation: Authorisation<'delete'>,
  name: ChartName,
  actor: Actor,
): Promise<readonly VersionRecord[]> {
  authorisation.requireChart(name)
  requireWritable(settingsOf, authorisation.repository)
  const withdrawn = await catalog.withdrawChart(authorisation.repository, name, actor)
  if (withdrawn.length > 0) return withdrawn
  await requireRepository(catalog, authorisation.repository)
  throw new AppError('chart-unknown', `there is no chart ${name} to delete`)
}
