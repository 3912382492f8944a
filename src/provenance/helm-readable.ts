import { type Key } from 'openpgp'

/**
 * What golang.org/x/crypto/openpgp reads, which Helm up to 3.21.3 is built with: version 4 keys of these algorithms
 * and curves. One subkey of another kind costs the whole key.
 */
const ALGORITHMS: ReadonlySet<string> = new Set(['rsaEncryptSign', 'rsaEncrypt', 'rsaSign', 'dsa', 'elgamal'])
const CURVES: ReadonlySet<string> = new Set(['nistP256', 'nistP384', 'nistP521'])

/** Why Helm 3 cannot read the key, as the name of what it does not know; `undefined` when it can. */
export function findUnreadablePart(key: Key): string | undefined {
  for (const part of key.getKeys()) {
    if (part.keyPacket.version !== 4) return `version ${part.keyPacket.version}`
    const { algorithm, curve } = part.getAlgorithmInfo()
    if (!ALGORITHMS.has(algorithm) && !CURVES.has(curve ?? '')) return curve ?? algorithm
  }
  return undefined
}
