import { requireRepository } from '../../repository/require-repository.ts'
import { type Catalog } from '../../catalog/catalog.ts'
import { publicKeyringOf, type SettingsOf } from '../../repository/settings.ts'
import { type VirtualRepositories } from '../../repository/virtual-repositories.ts'
import { type Handler } from '../exchange.ts'

export interface GetKeyringDeps {
  readonly catalog: Catalog
  readonly settingsOf: SettingsOf
  readonly virtual: VirtualRepositories
}

const CONTENT_TYPE = { binary: 'application/octet-stream', armored: 'application/pgp-keys' } as const

/**
 * The public keys behind the signatures of the repository, or of a virtual one's members that the caller may read: binary
 * for `helm --keyring`, armored for `gpg --import`.
 */
export function getKeyring(deps: GetKeyringDeps, form: keyof typeof CONTENT_TYPE): Handler<'read'> {
  return async ({ authorisation }) => {
    await requireRepository(deps.catalog, authorisation.repository)
    const keyring = publicKeyringOf(deps.settingsOf, deps.virtual.readableParts(authorisation))
    const bytes = Buffer.from(form === 'binary' ? keyring.toBinary() : keyring.toArmored())
    return {
      status: 200,
      headers: { 'content-type': CONTENT_TYPE[form], 'cache-control': 'private, no-cache' },
      body: { kind: 'bytes', bytes: () => [bytes] },
    }
  }
}
