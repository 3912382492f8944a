import { isBeyondQuota, type Holding } from '../catalog/quota.ts'
import { type Catalog, type Quota, type VersionId } from '../catalog/catalog.ts'
import { type Digest } from '../chart/digest.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { type SettingsOf } from './settings.ts'

/** What the operator has decided against a change, whoever asks for it. */

/** Throws `read-only`, also for a virtual repository, naming its members. */
export function requireWritable(settingsOf: SettingsOf, repository: RepositoryName): void {
  const { access, virtual } = settingsOf(repository)
  if (virtual !== undefined) {
    const members = virtual.map(describeRepository).join(', ')
    throw new AppError(
      'read-only',
      `${describeRepository(repository)} is virtual and holds no charts itself: change one of its members, ${members}`,
    )
  }
  if (access === 'read-write') return
  throw new AppError('read-only', `${describeRepository(repository)} is read-only by its operator's setting`)
}

/** What a mirror has is its upstreams', whoever may publish. Throws `not-allowed`. */
export function requireUploads(settingsOf: SettingsOf, repository: RepositoryName): void {
  if (settingsOf(repository).isMirror !== true) return
  throw new AppError(
    'not-allowed',
    `${describeRepository(repository)} is a mirror and takes no uploads: its charts come from its upstreams`,
  )
}

/**
 * Refuses what the quota has no room for before it is stored; the catalog judges again in its transaction. Throws
 * `quota-exceeded`.
 */
export async function requireRoom(
  catalog: Catalog,
  id: VersionId,
  size: number,
  quota: Quota | undefined,
): Promise<void> {
  if (quota === undefined) return
  const held = (await catalog.findRepository(id.repository)) ?? { versions: 0, bytes: 0 }
  const replaced = await catalog.findVersion(id)
  const added = { versions: replaced === undefined ? 1 : 0, bytes: size - (replaced?.size ?? 0) }
  if (isBeyondQuota(quota, held, added)) throw quotaExceeded(id.repository, quota, held)
}

export function quotaExceeded(
  repository: RepositoryName,
  { versions, bytes }: Quota,
  held: Holding,
): AppError {
  const parts = [
    ...(versions === undefined ? [] : [`${held.versions} of ${versions} versions`]),
    ...(bytes === undefined ? [] : [`${held.bytes} of ${bytes} bytes`]),
  ]
  const name = describeRepository(repository)
  return new AppError('quota-exceeded', `${name} has no room for this: it holds ${parts.join(' and ')}`)
}

/** Throws `not-allowed` for content that was purged from the repository. */
export async function refusePurged(
  catalog: Catalog,
  id: VersionId,
  content: { readonly digest: Digest; readonly contentDigest: Digest },
): Promise<void> {
  if (await catalog.isPurged({ repository: id.repository, ...content })) throw purged(id)
}

export function purged({ name, version }: VersionId): AppError {
  return new AppError('not-allowed', `${name} ${version} with this content was purged and may not come back`)
}
