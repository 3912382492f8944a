import { createHash, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { AppError } from '../errors.ts'

const BEGIN = /-----BEGIN CERTIFICATE-----/g
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g

/**
 * All certificates of a PEM bundle in their order, at least one. Text around them, such as `openssl x509 -text` writes,
 * does not matter; a block that is cut off or damaged makes the whole bundle unusable: leaving it out would leave out a
 * trust anchor without a word. Throws `key-unusable`.
 */
export function parseCertificates(pem: string): readonly [X509Certificate, ...X509Certificate[]] {
  const blocks = pem.match(CERTIFICATE) ?? []
  const [first, ...others] = blocks.map(parseBlock)
  if (first === undefined) {
    throw new AppError('key-unusable', 'no PEM certificate found ("-----BEGIN CERTIFICATE-----")')
  }
  if (pem.match(BEGIN)?.length !== blocks.length) throw damaged()
  return [first, ...others]
}

/** An unencrypted private key. Throws `key-unusable`; the message holds nothing of the key. */
export function parsePrivateKey(pem: string): KeyObject {
  if (isEncrypted(pem)) {
    throw new AppError(
      'key-unusable',
      'the private key is encrypted: decrypt it with "openssl pkey -in KEY -out KEY"',
    )
  }
  try {
    return createPrivateKey(pem)
  } catch (error) {
    throw new AppError('key-unusable', 'no usable PEM private key found ("-----BEGIN PRIVATE KEY-----")', {
      cause: error,
    })
  }
}

/** A private key whose passphrase is known. Throws `key-unusable`; the message holds nothing of either. */
export function decryptPrivateKey(pem: string, passphrase: string): KeyObject {
  try {
    return createPrivateKey({ key: pem, passphrase })
  } catch (error) {
    throw new AppError('key-unusable', 'the passphrase does not open the private key', { cause: error })
  }
}

/** PKCS#8 and the older form of openssl. */
export function isEncrypted(pem: string): boolean {
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem)
}

/** SHA-256 over the SubjectPublicKeyInfo, lower-case hex: names a key whatever certificate it is in. */
export function subjectKeyDigest(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(spki).digest('hex')
}

function parseBlock(block: string): X509Certificate {
  try {
    return new X509Certificate(block)
  } catch (error) {
    throw damaged(error)
  }
}

function damaged(cause?: unknown): AppError {
  return new AppError('key-unusable', 'a PEM certificate is damaged or cut off', { cause })
}
