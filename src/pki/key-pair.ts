import { createPublicKey, KeyObject, webcrypto } from 'node:crypto'

/**
 * P-256 because every TLS stack that Helm, curl, browsers and Node bring takes it, and a key takes well under a
 * millisecond to make (RSA: a tenth of a second or more). Browsers have no Ed25519 for TLS.
 */
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' } as const

export interface KeyPair {
  readonly publicKey: webcrypto.CryptoKey
  readonly privateKey: webcrypto.CryptoKey
}

export async function createKeyPair(): Promise<KeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

/** PKCS#8, unencrypted: what Helm, curl, nginx and Kubernetes Secrets take. */
export function privateKeyPem(privateKey: webcrypto.CryptoKey): string {
  return KeyObject.from(privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
}

/** Whether `keyPairFrom` takes the private key. */
export function isOurKind(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
}

/** The private half cannot be exported again. */
export function keyPairFrom(privateKey: KeyObject): KeyPair {
  return {
    publicKey: createPublicKey(privateKey).toCryptoKey(ALGORITHM, true, ['verify']),
    privateKey: privateKey.toCryptoKey(ALGORITHM, false, ['sign']),
  }
}
