import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'

declare const brand: unique symbol

/** A SHA-256 digest: 64 lower-case hexadecimal digits, without an algorithm prefix. */
export type Digest = string & { readonly [brand]: 'Digest' }

const SHA256_HEX = /^[0-9a-f]{64}$/

/** Throws `request-invalid`. */
export function parseDigest(text: string): Digest {
  if (!SHA256_HEX.test(text)) throw new AppError('request-invalid', `not a SHA-256 digest: ${quoted(text)}`)
  return text as Digest
}
