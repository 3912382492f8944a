import { type Tombstone, type VersionId } from '../catalog/catalog.ts'
import { type ChartName } from '../chart/name.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { type RepositorySettings } from './settings.ts'

/** Whether the request itself asks for other content to be replaced (`?force`). */
export type Force = 'forced' | 'unforced'

/** Other content under a taken version needs the repository's setting *and* the identity's permission. */
export function mayOverwrite(
  authorisation: Authorisation<'publish'>,
  chart: ChartName,
  setting: RepositorySettings['overwrite'],
  force: Force,
): boolean {
  const asked = setting === 'always' || (setting === 'forced' && force === 'forced')
  return asked && authorisation.allows('overwrite', chart)
}

/** The refusal that fits: the missing permission where only that was missing, else the conflict. */
export function refuseOtherContent(
  authorisation: Authorisation<'publish'>,
  id: VersionId,
  known: Pick<Tombstone, 'digest' | 'withdrawn'>,
  setting: RepositorySettings['overwrite'],
  force: Force,
): AppError {
  if (force === 'forced' && setting !== 'never' && !authorisation.allows('overwrite', id.name)) {
    return new AppError('not-allowed', `${id.name} ${id.version} exists, and you may not overwrite it`)
  }
  const state = known.withdrawn ? 'was deleted, and its name stays taken' : 'exists'
  return new AppError(
    'chart-exists',
    `${id.name} ${id.version} ${state} with other content (sha256:${known.digest})`,
  )
}
