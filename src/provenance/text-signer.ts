import { type PrivateKey, type SignaturePacket } from 'openpgp'
import { createRsaSigner } from './rsa-signer.ts'
import { makeSignature } from './signatures.ts'

/** Signs a text with lines joined by `\n`, as of the date. */
export type TextSigner = (text: string, date: Date) => Promise<SignaturePacket>

/**
 * Signs with the part of an unlocked key that is meant to on the day. openpgp makes the first signature of each part;
 * the others are made in the shorter way where there is one. Rejects with openpgp's error when no part may sign.
 */
export function createTextSigner(key: PrivateKey): TextSigner {
  const signers = new Map<string, TextSigner>()
  const byOpenpgp: TextSigner = async (text, date) => makeSignature(text, key, date)
  return async (text, date) => {
    const part = await key.getSigningKey(undefined, date)
    const known = signers.get(part.getFingerprint())
    if (known !== undefined) return known(text, date)
    const signature = await byOpenpgp(text, date)
    signers.set(part.getFingerprint(), createRsaSigner(part, signature) ?? byOpenpgp)
    return signature
  }
}
