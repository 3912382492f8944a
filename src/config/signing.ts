import { type ConfigFile } from './schema.ts'
import { type Secret } from './secret.ts'

/** Where a signing key is, what unlocks it, and which older public keys are handed out beside it; paths are absolute. */
export type SigningConfig = KeySource & {
  readonly passphrase?: Secret
  readonly passphraseFile?: string
  readonly keyring?: string
}

/** The armored private key, in a file or as it is. */
type KeySource =
  | { readonly key: string; readonly keyData?: undefined }
  | { readonly keyData: Secret; readonly key?: undefined }

type Section = ConfigFile['signing']

/** The server's own, with the files that `chartroom init` makes where nothing else is said. */
export function completeSigning(
  section: Section,
  at: (path: string) => string,
  defaults: { readonly key: string; readonly keyring: string },
): SigningConfig & { readonly keyring: string } {
  const source = keySourceOf(section, at) ?? { key: defaults.key }
  return { ...source, ...restOf(section, at), keyring: at(section.keyring ?? defaults.keyring) }
}

/** A repository's own. The schema demands a key, so none means that there is no section. */
export function completeOwnSigning(
  section: Section | undefined,
  at: (path: string) => string,
): SigningConfig | undefined {
  const source = section && keySourceOf(section, at)
  return source && { ...source, ...restOf(section, at) }
}

function keySourceOf({ key, keyData }: Section, at: (path: string) => string): KeySource | undefined {
  if (keyData !== undefined) return { keyData }
  return key === undefined ? undefined : { key: at(key) }
}

function restOf(
  { passphrase, passphraseFile, keyring }: Section,
  at: (path: string) => string,
): Omit<SigningConfig, keyof KeySource> {
  return {
    ...(passphrase !== undefined && { passphrase }),
    ...(passphraseFile !== undefined && { passphraseFile: at(passphraseFile) }),
    ...(keyring !== undefined && { keyring: at(keyring) }),
  }
}
