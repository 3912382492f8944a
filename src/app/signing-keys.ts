import { readFile } from 'node:fs/promises'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { type Config, type RepositoryEntry } from '../config/load.ts'
import { type SigningConfig } from '../config/signing.ts'
import { AppError, isSystemError } from '../errors.ts'
import { readKeyFile } from '../pki/key-store.ts'
import { Keyring } from '../provenance/keyring.ts'
import { SigningKey } from '../provenance/signing-key.ts'
import { lookUpEntries } from './repository-entries.ts'
import { readSecret } from './read-secret.ts'

/** A `signing` section of the configuration. */
export interface SigningSection {
  readonly signing: SigningConfig
  /** Its path, for messages: `signing`, `repositories.0.signing`. */
  readonly path: string
  /** For whom it signs: `the server`, `team-a/stable`. */
  readonly owner: string
}

export interface OpenedSigning {
  readonly signingKey: SigningKey
  /** That key and the older ones. */
  readonly publicKeyring: Keyring
}

/** The server's, then those of repositories. */
export function signingSections(config: Config): readonly SigningSection[] {
  const own = config.repositories.map(ownSigningSection).filter((section) => section !== undefined)
  return [serverSigningSection(config), ...own]
}

/** By which the repository's versions are signed: its own, else the server's. */
export function signingSectionFor(config: Config, name: RepositoryName): SigningSection {
  const entries = config.repositories.map((entry, place) => ({
    name: entry.name,
    value: { section: ownSigningSection(entry, place) },
  }))
  return lookUpEntries(entries)(name)?.section ?? serverSigningSection(config)
}

export function serverSigningSection({ signing }: Config): SigningSection {
  return { signing, path: 'signing', owner: 'the server' }
}

/** Of an entry under `repositories`, if it has one. */
export function ownSigningSection(
  { name, signing }: RepositoryEntry,
  place: number,
): SigningSection | undefined {
  if (signing === undefined) return undefined
  const owner = typeof name === 'string' ? describeRepository(name) : `repositories like ${name.glob}`
  return { signing, path: `repositories.${place}.signing`, owner }
}

/** Throws `key-unusable`, naming the file or the setting. */
export async function openSigning(section: SigningSection): Promise<OpenedSigning> {
  const { signing } = section
  const signingKey = await openSigningKey(section)
  const older =
    signing.keyring === undefined ? Keyring.empty() : await readKeyring(signing.keyring, 'optional')
  const [inRing] = await older.only(signingKey.publicKeyring).describe(new Date())
  if (inRing?.state === 'revoked') {
    throw new AppError(
      'key-unusable',
      `${keyNameOf(section)}: the signing key is revoked in ${String(signing.keyring)}; "chartroom key rotate" makes another`,
    )
  }
  return { signingKey, publicKeyring: signingKey.publicKeyring.merge(older) }
}

/** The armored private key, as it is: it may be locked, expired, or none at all. Throws `key-unusable`. */
export async function readArmoredKey({ signing }: SigningSection): Promise<string> {
  return signing.keyData === undefined ? readKeyFile(signing.key) : signing.keyData.reveal()
}

/** What unlocks the signing key, wherever it is kept. */
export async function readPassphrase(
  signing: Pick<SigningConfig, 'passphrase' | 'passphraseFile'>,
): Promise<string | undefined> {
  return readSecret(signing.passphrase, signing.passphraseFile)
}

/** Throws `key-unusable`. */
export async function readKeyring(file: string, need: 'required' | 'optional'): Promise<Keyring> {
  try {
    return await Keyring.parse(await readFile(file))
  } catch (error) {
    if (need === 'optional' && isSystemError(error, 'ENOENT')) return Keyring.empty()
    const why = error instanceof AppError ? error.message : 'cannot be read'
    throw new AppError('key-unusable', `${file}: ${why}`, { cause: error })
  }
}

/** Where the key is, for messages. */
export function keyNameOf({ signing, path }: SigningSection): string {
  return signing.key ?? `${path}.keyData`
}

async function openSigningKey(section: SigningSection): Promise<SigningKey> {
  const armored = await readArmoredKey(section)
  const passphrase = await readPassphrase(section.signing)
  try {
    return await SigningKey.open({ armored, ...(passphrase !== undefined && { passphrase }) })
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new AppError(error.code, `${keyNameOf(section)}: ${error.message}`, { cause: error })
  }
}
