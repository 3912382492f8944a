import { enums, type PrivateKey } from 'openpgp'
import { CLOCK_SKEW_MS } from './clock-skew.ts'
import { describeKey, type KeyDescription } from './key-description.ts'
import { Keyring } from './keyring.ts'
import { describeFailure, readPrivateKey, unlockPrivateKey, unusable } from './open-private-key.ts'

/** What is still needed of a private key that signs no more. It may be expired or locked. */
export interface RetiredKey {
  readonly armored: string
  readonly passphrase?: string
}

/**
 * Why a key is revoked. Helm refuses its signatures either way, also those that it made before; gpg takes older ones of
 * a superseded key.
 */
export type RevocationReason = 'compromised' | 'superseded'

const REASONS = {
  superseded: enums.reasonForRevocation.keySuperseded,
  compromised: enums.reasonForRevocation.keyCompromised,
} as const

export interface PublicPart {
  /** That one key: what verifies its signatures. */
  readonly keyring: Keyring
  readonly description: KeyDescription
}

/** What can be known of a private key without its passphrase. Throws `key-unusable`. */
export async function readPublicPart(armored: string, now: Date): Promise<PublicPart> {
  const key = (await readPrivateKey(armored)).toPublic()
  return { keyring: new Keyring([key]), description: await describeKey(key, now) }
}

/**
 * An armored certificate by which whoever has it marks the key as revoked (`Keyring.revoke`, `gpg --import`), when its
 * secret part is long gone. Throws `key-unusable`.
 */
export async function makeRevocationCertificate(
  { armored, passphrase }: RetiredKey,
  reason: RevocationReason,
  now: Date,
): Promise<string> {
  const key = await unlockPrivateKey(await readPrivateKey(armored), passphrase)
  try {
    const revoked = await key.revoke({ flag: REASONS[reason] }, revocationDate(key, now))
    // Text; the type of streams, which it could also be, is not part of the package.
    return String(await revoked.getRevocationCertificate(now))
  } catch (cause) {
    throw unusable(`cannot be revoked: ${describeFailure(cause)}`, cause)
  }
}

/** Somewhat in the past: Helm 4 passes over a revocation from the future, as clients with a slow clock see it. */
function revocationDate(key: PrivateKey, now: Date): Date {
  return new Date(Math.max(now.getTime() - CLOCK_SKEW_MS, key.getCreationTime().getTime()))
}
