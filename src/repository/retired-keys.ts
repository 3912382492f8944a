import { type Catalog } from '../catalog/catalog.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { Keyring } from '../provenance/keyring.ts'
import { type SettingsOf } from './settings.ts'

/** Whose signatures go: one key's, or those of every key that once spoke for us and does no longer. */
export type SignedBy = { readonly kind: 'key'; readonly fingerprint: string } | { readonly kind: 'any' }

/** The IDs of the keys whose signatures are to go from a repository's versions. */
export type RetiredIn = (repository: RepositoryName) => ReadonlySet<string>

export interface RetiredKeysDeps {
  readonly catalog: Catalog
  readonly settingsOf: SettingsOf
}

/** Throws `request-invalid` for a key that a repository still signs with. */
export async function findRetiredKeys(
  { catalog, settingsOf }: RetiredKeysDeps,
  signedBy: SignedBy,
  repository: RepositoryName | undefined,
): Promise<RetiredIn> {
  const names = (await catalog.listRepositories()).map(({ name }) => name)
  // A repository that was given a key of its own still has versions that were signed with the server's.
  const everOurs = names.reduce((ring, name) => ring.merge(settingsOf(name).publicKeyring), Keyring.empty())
  if (signedBy.kind === 'any') return remembered((name) => olderKeys(everOurs, settingsOf, name).keyIds)

  const { fingerprint } = signedBy
  const scope = repository === undefined ? names : [repository]
  const user = scope.find((name) => settingsOf(name).signingKey.fingerprint === fingerprint)
  if (user !== undefined) throw stillInUse(fingerprint, user)
  const ids = new Set([...everOurs.only({ fingerprints: [fingerprint] }).keyIds, primaryKeyId(fingerprint)])
  return () => ids
}

/** A key in the public keyring that is a trusted publisher's speaks for that publisher. */
function olderKeys(everOurs: Keyring, settingsOf: SettingsOf, name: RepositoryName): Keyring {
  const { signingKey, trustedKeyring } = settingsOf(name)
  return everOurs.without(signingKey.publicKeyring).without(trustedKeyring)
}

function remembered(find: RetiredIn): RetiredIn {
  const found = new Map<RepositoryName, ReadonlySet<string>>()
  return (name) => {
    const known = found.get(name) ?? find(name)
    found.set(name, known)
    return known
  }
}

/** RFC 9580, section 5.5.4.2: the low 64 bits of the fingerprint. All our keys are of version 4, for Helm 3. */
function primaryKeyId(fingerprint: string): string {
  return fingerprint.slice(-16)
}

function stillInUse(fingerprint: string, repository: RepositoryName): AppError {
  return new AppError(
    'request-invalid',
    `${describeRepository(repository)} still signs with ${fingerprint}: make it another key first, with "chartroom key rotate"`,
  )
}
