import { generateKey } from 'openpgp'
import { CLOCK_SKEW_MS } from './clock-skew.ts'

export interface NewSigningKey {
  /** Whom the key names to the people who import it, as in `Charts of Example Ltd <charts@example.com>`. */
  readonly userId: string
  readonly passphrase?: string
  readonly now: Date
}

/**
 * RSA works in every Helm and in gpg. 3072 bits are as strong as SHA-256 and AES-128 (NIST SP 800-57 part 1, table 2),
 * and what gpg makes by default; 4096 would double the time of each signature without reaching the next class.
 */
const RSA_BITS = 3072

/**
 * A private key, armored, for signing only. It never expires: Helm 4 refuses the old signatures of an expired key. It
 * is dated back as its signatures are, so that they can be from the start.
 */
export async function generateSigningKey({ userId, passphrase, now }: NewSigningKey): Promise<string> {
  const { privateKey } = await generateKey({
    type: 'rsa',
    rsaBits: RSA_BITS,
    userIDs: { name: userId },
    subkeys: [],
    date: new Date(now.getTime() - CLOCK_SKEW_MS),
    ...(passphrase !== undefined && { passphrase }),
  })
  return privateKey
}
