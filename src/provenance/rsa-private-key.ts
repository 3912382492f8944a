import { createPrivateKey, type KeyObject } from 'node:crypto'
import { enums, type PrivateKey, type Subkey } from 'openpgp'

/** Those that OpenPGP lets sign (RFC 9580, section 9.1). */
const SIGNING_RSA: ReadonlySet<number> = new Set([enums.publicKey.rsaEncryptSign, enums.publicKey.rsaSign])

type Numbers = Readonly<Record<'n' | 'e' | 'd' | 'p' | 'q' | 'u', Uint8Array>>

/**
 * The key that such a packet holds, unlocked, for Node's own signing; `undefined` for every other kind, and for one that
 * OpenSSL does not take.
 */
export function findRsaPrivateKey(packet: (PrivateKey | Subkey)['keyPacket']): KeyObject | undefined {
  const secret = 'privateParams' in packet ? packet.privateParams : undefined
  const numbers = { ...packet.publicParams, ...secret }
  if (!SIGNING_RSA.has(packet.algorithm) || !hasNumbers(numbers)) return undefined
  try {
    return createPrivateKey({ key: jsonWebKeyOf(numbers), format: 'jwk' })
  } catch {
    return undefined
  }
}

function hasNumbers(params: object): params is Numbers {
  const values = new Map<string, unknown>(Object.entries(params))
  return ['n', 'e', 'd', 'p', 'q', 'u'].every((name) => values.get(name) instanceof Uint8Array)
}

/** OpenPGP keeps the inverse of p modulo q (RFC 9580, section 5.5.5.1), JSON that of q modulo p: they change places. */
function jsonWebKeyOf({ n, e, d, p, q, u }: Numbers): Record<string, string> {
  return {
    kty: 'RSA',
    n: encode(n),
    e: encode(e),
    d: encode(d),
    p: encode(q),
    q: encode(p),
    dp: encode(exponentModulo(d, q)),
    dq: encode(exponentModulo(d, p)),
    qi: encode(u),
  }
}

/** d mod (prime − 1). */
function exponentModulo(d: Uint8Array, prime: Uint8Array): Uint8Array {
  const hex = (toInteger(d) % (toInteger(prime) - 1n)).toString(16)
  return Buffer.from(hex.padStart(prime.length * 2, '0'), 'hex')
}

function toInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
}

function encode(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
