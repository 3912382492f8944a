import { decryptKey, readPrivateKeys, type PrivateKey, type Subkey } from 'openpgp'
import { AppError } from '../errors.ts'
import { asciiOnly } from '../text.ts'
import { findUnreadablePart } from './helm-readable.ts'

export interface OpenedKey {
  readonly key: PrivateKey
  /** The part that signs: the key itself, or its youngest signing subkey. */
  readonly signer: PrivateKey | Subkey
  /** When the first of the two expires. */
  readonly expiresAt: Date | undefined
}

/** Reads, unlocks and judges a private key. Throws `key-unusable`, saying what to do. */
export async function openPrivateKey(
  armored: string,
  passphrase: string | undefined,
  now: Date,
): Promise<OpenedKey> {
  const key = await unlockPrivateKey(await readPrivateKey(armored), passphrase)
  requireReadable(key)
  await requireValid(key, now)
  const signer = await findSigner(key, now)
  return { key, signer, expiresAt: await expiryOf(key, signer) }
}

export function unusable(why: string, cause?: unknown): AppError {
  return new AppError('key-unusable', `the signing key ${why}`, { cause })
}

/** openpgp's words; the key is the operator's, and they quote nothing of it. */
export function describeFailure(cause: unknown): string {
  return asciiOnly(cause instanceof Error ? cause.message : 'for no known reason')
}

/** One armored private key, locked or not, fit to sign or not. Throws `key-unusable`. */
export async function readPrivateKey(armored: string): Promise<PrivateKey> {
  const blocks = armored.match(/-----BEGIN PGP [A-Z ]+-----/g) ?? []
  if (!blocks.some((line) => line.includes(' PRIVATE KEY '))) {
    throw unusable('is not an armored private key; `gpg --armor --export-secret-keys KEY` writes one')
  }
  try {
    const [key, ...others] = await readPrivateKeys({ armoredKeys: armored })
    if (key !== undefined && others.length === 0 && blocks.length === 1) return key
  } catch (cause) {
    throw unusable('cannot be read; `gpg --armor --export-secret-keys KEY` writes what is needed', cause)
  }
  throw unusable('must be one key, and the file holds several')
}

/** With its secret part ready for use. Throws `key-unusable`. */
export async function unlockPrivateKey(key: PrivateKey, passphrase: string | undefined): Promise<PrivateKey> {
  if (key.isDecrypted()) return key
  if (key.getKeys().every(({ keyPacket }) => 'isDummy' in keyPacket && keyPacket.isDummy())) {
    throw unusable('is a stub without its secret part; export it where that part is')
  }
  if (passphrase === undefined) throw unusable('is protected by a passphrase, and none is configured')
  try {
    return await decryptKey({ privateKey: key, passphrase })
  } catch (cause) {
    throw unusable('does not open with the configured passphrase', cause)
  }
}

function requireReadable(key: PrivateKey): void {
  const part = findUnreadablePart(key)
  if (part === undefined) return
  throw unusable(
    `uses ${part}, which Helm 3 cannot read: RSA and the curves nistP256, nistP384 and nistP521 work everywhere, ` +
      'in the primary key and in all its subkeys',
  )
}

async function requireValid(key: PrivateKey, now: Date): Promise<void> {
  if (await key.isRevoked(undefined, undefined, now)) throw unusable('is revoked; configure another one')
  const expiresAt = finite(await key.getExpirationTime())
  if (expiresAt !== undefined && expiresAt <= now) {
    throw unusable(`has expired on ${expiresAt.toISOString()}; \`gpg --quick-set-expire\` extends it`)
  }
}

async function findSigner(key: PrivateKey, now: Date): Promise<PrivateKey | Subkey> {
  try {
    return await key.getSigningKey(undefined, now)
  } catch (cause) {
    throw unusable(`cannot sign: ${describeFailure(cause)}`, cause)
  }
}

async function expiryOf(key: PrivateKey, signer: PrivateKey | Subkey): Promise<Date | undefined> {
  const dates = [finite(await key.getExpirationTime()), finite(await signer.getExpirationTime())]
  return dates.filter((date) => date !== undefined).sort((a, b) => a.getTime() - b.getTime())[0]
}

/** openpgp says `Infinity` for never, `null` for an invalid key. */
function finite(date: Date | typeof Infinity | null): Date | undefined {
  return date instanceof Date ? date : undefined
}
