import { createPublicKey, type KeyObject } from 'node:crypto'
import { AppError } from '../errors.ts'
import { signatureCheckFor } from './signature-check.ts'
import { type DerElement, DerReader, TAG } from './der.ts'

const BLOCK =
  /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----/

/**
 * The public key of a certificate request (PKCS#10, RFC 2986), whose sender has proved by its signature to hold the
 * private one. Nothing else of the request counts: whoever signs says what the certificate is for. Throws
 * `request-invalid`.
 */
export function parseCertificateRequest(pem: string): KeyObject {
  const [, base64] = BLOCK.exec(pem) ?? []
  if (base64 === undefined) {
    throw invalid('no PEM certificate request found ("-----BEGIN CERTIFICATE REQUEST-----")')
  }
  const request = explained(() => readRequest(Buffer.from(base64, 'base64')))
  requireStrong(request.publicKey)
  if (request.isSigned) return request.publicKey
  throw invalid('the certificate request is not signed by its own key: whoever sent it may not have that key')
}

/** CertificationRequest (RFC 2986, section 4.2) and what it says of its key (section 4.1). */
function readRequest(der: Buffer): { readonly publicKey: KeyObject; readonly isSigned: boolean } {
  const outer = new DerReader(der).enter()
  const info = outer.expect(TAG.sequence)
  const check = signatureCheckFor(outer.expect(TAG.sequence))
  const signature = outer.bits()
  const publicKey = createPublicKey({ key: publicKeyInfo(info), format: 'der', type: 'spki' })
  return { publicKey, isSigned: check(info.bytes, signature, publicKey) }
}

function publicKeyInfo(info: DerElement): Buffer {
  const reader = new DerReader(info.content)
  reader.expect(TAG.integer)
  reader.expect(TAG.sequence)
  return reader.expect(TAG.sequence).bytes
}

/** NIST SP 800-131A. */
const LEAST_RSA_BITS = 2048
/** P-256, P-384 and P-521: what TLS 1.3 and the clients know (RFC 8446, section 4.2.3). */
const CURVES = ['prime256v1', 'secp384r1', 'secp521r1']

function requireStrong({ asymmetricKeyType: kind, asymmetricKeyDetails: details }: KeyObject): void {
  if (kind === 'ed25519') return
  if (kind === 'rsa' && Number(details?.modulusLength) >= LEAST_RSA_BITS) return
  if (kind === 'ec' && CURVES.includes(String(details?.namedCurve))) return
  throw invalid(
    `the certificate request has a key that is not taken here: RSA with at least ${LEAST_RSA_BITS} bits, ` +
      'ECDSA with P-256, P-384 or P-521, or Ed25519',
  )
}

function explained<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    const why = error instanceof AppError ? error.message : 'its key cannot be read'
    throw invalid(`the certificate request cannot be used: ${why}`, error)
  }
}

function invalid(message: string, cause?: unknown): AppError {
  return new AppError('request-invalid', message, { cause })
}
