import { readFile } from 'node:fs/promises'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type Config } from '../config/load.ts'
import { AppError, isSystemError } from '../errors.ts'
import { readKeyFile } from '../pki/key-store.ts'
import { Keyring } from '../provenance/keyring.ts'
import { SigningKey } from '../provenance/signing-key.ts'
import { type RepositorySettings, type SettingsOf } from '../repository/settings.ts'

/** Opens the signing key and the keyrings. Throws `key-unusable`, naming the file. */
export async function readRepositorySettings(config: Config): Promise<SettingsOf> {
  const signingKey = await openSigningKey(config.signing)
  const older = await readKeyring(config.signing.keyring, 'optional')
  const trusted = config.provenance.trustedKeyring
  const common = {
    signingKey,
    publicKeyring: signingKey.publicKeyring.merge(older),
    trustedKeyring: trusted === undefined ? Keyring.empty() : await readKeyring(trusted, 'required'),
  }
  const own = new Map(config.repositories.map((repository) => [repository.name, repository]))
  return (name: RepositoryName): RepositorySettings => ({
    ...common,
    overwrite: own.get(name)?.overwrite ?? config.overwrite,
    unknownSigner: own.get(name)?.unknownSigner ?? config.provenance.unknownSigner,
  })
}

async function openSigningKey(signing: Config['signing']): Promise<SigningKey> {
  const armored = await readKeyFile(signing.key)
  const passphrase = await readPassphrase(signing)
  try {
    return await SigningKey.open({ armored, ...(passphrase !== undefined && { passphrase }) })
  } catch (error) {
    if (error instanceof AppError)
      throw new AppError(error.code, `${signing.key}: ${error.message}`, { cause: error })
    throw error
  }
}

/** What unlocks the signing key, wherever it is kept. */
export async function readPassphrase(signing: Config['signing']): Promise<string | undefined> {
  if (signing.passphraseFile === undefined) return signing.passphrase?.reveal()
  // An editor's or `echo`'s line end is no part of the passphrase.
  return (await readKeyFile(signing.passphraseFile)).replace(/\r?\n$/, '')
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
