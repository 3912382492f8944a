import { type PublicKey } from 'openpgp'
import { asciiOnly } from '../text.ts'

/** What its operator wants to know of a key. */
export interface KeyDescription {
  /** In upper-case hex, as gpg prints it. */
  readonly fingerprint: string
  readonly userIds: readonly string[]
  /** `RSA 3072`, `nistP256`. */
  readonly algorithm: string
  readonly createdAt: Date
  /** `undefined` for a key that never expires. */
  readonly expiresAt: Date | undefined
  readonly state: 'valid' | 'expired' | 'revoked'
}

export async function describeKey(key: PublicKey, now: Date): Promise<KeyDescription> {
  const expiry = await key.getExpirationTime()
  // openpgp says `Infinity` for never, `null` for a key that is not valid at all.
  const expiresAt = expiry instanceof Date ? expiry : undefined
  return {
    fingerprint: key.getFingerprint().toUpperCase(),
    // Whoever made the key chose them, and they are printed on a terminal.
    userIds: key.getUserIDs().map(asciiOnly),
    algorithm: describeAlgorithm(key),
    createdAt: key.getCreationTime(),
    expiresAt,
    state: await stateOf(key, expiresAt, now),
  }
}

async function stateOf(
  key: PublicKey,
  expiresAt: Date | undefined,
  now: Date,
): Promise<KeyDescription['state']> {
  if (await key.isRevoked(undefined, undefined, now)) return 'revoked'
  return expiresAt !== undefined && expiresAt <= now ? 'expired' : 'valid'
}

function describeAlgorithm(key: PublicKey): string {
  const { algorithm, bits, curve } = key.getAlgorithmInfo()
  if (curve !== undefined) return curve
  return `${algorithm.replace(/^rsa.*/, 'RSA')}${bits === undefined ? '' : ` ${bits}`}`
}
