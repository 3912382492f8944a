import { requireRepository } from '../../repository/require-repository.ts'
import { type Catalog } from '../../catalog/catalog.ts'
import { type SettingsOf } from '../../repository/settings.ts'
import { type Handler } from '../exchange.ts'

export interface GetKeyringDeps {
  readonly catalog: Catalog
  readonly settingsOf: SettingsOf
}

const CONTENT_TYPE = { binary: 'application/octet-stream', armored: 'application/pgp-keys' } as const

/** The public keys behind the repository's signatures: binary for `helm --keyring`, armored for `gpg --import`. */
export function getKeyring(deps: GetKeyringDeps, form: keyof typeof CONTENT_TYPE): Handler<'read'> {
  return async ({ authorisation }) => {
    await requireRepository(deps.catalog, authorisation.repository)
    const { publicKeyring } = deps.settingsOf(authorisation.repository)
    const bytes = Buffer.from(form === 'binary' ? publicKeyring.toBinary() : publicKeyring.toArmored())
    return {
      status: 200,
      headers: { 'content-type': CONTENT_TYPE[form], 'cache-control': 'private, no-cache' },
      body: { kind: 'bytes', bytes: () => [bytes] },
    }
  }
}
