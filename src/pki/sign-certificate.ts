import { randomBytes, webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  type Extension,
  type Name,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from './x509.ts'
import { type Validity } from './validity.ts'

export interface CertificateToSign extends Validity {
  readonly subject: Name
  /** The second form: a SubjectPublicKeyInfo in DER. */
  readonly publicKey: webcrypto.CryptoKey | Uint8Array<ArrayBuffer>
  readonly issuer: Issuer
  /** Beside the two key identifiers, which every certificate gets. */
  readonly extensions: readonly Extension[]
}

export interface Issuer {
  /** As in the issuer's certificate, byte for byte: RFC 5280, section 4.1.2.4, has chains built by it. */
  readonly subject: Name
  readonly signingKey: webcrypto.CryptoKey
  /** The issuer's subjectKeyIdentifier in hex, or the public key to take it from. */
  readonly keyIdentifier: string | webcrypto.CryptoKey
}

/** Signs with SHA-256; returns PEM. Whether the contents are right is the caller's care. */
export async function signCertificate(certificate: CertificateToSign): Promise<string> {
  const { subject, publicKey, issuer, notBefore, notAfter, extensions } = certificate
  const signed = await X509CertificateGenerator.create(
    {
      serialNumber: randomSerial(),
      subject,
      issuer: issuer.subject,
      notBefore,
      notAfter,
      publicKey,
      signingKey: issuer.signingKey,
      signingAlgorithm: { hash: 'SHA-256' },
      extensions: [
        ...extensions,
        await SubjectKeyIdentifierExtension.create(publicKey, NOT_CRITICAL, webcrypto),
        await authorityKeyIdentifier(issuer.keyIdentifier),
      ],
    },
    webcrypto,
  )
  return `${signed.toString('pem')}\n`
}

const NOT_CRITICAL = false

async function authorityKeyIdentifier(key: string | webcrypto.CryptoKey): Promise<Extension> {
  return typeof key === 'string'
    ? new AuthorityKeyIdentifierExtension(key, NOT_CRITICAL)
    : AuthorityKeyIdentifierExtension.create(key, NOT_CRITICAL, webcrypto)
}

/** RFC 5280, section 4.1.2.2, allows 20 octets and a positive number. */
const SERIAL_BYTES = 20

/** 158 random bits; the first octet is 0x40 to 0x7f, so the number is positive and always fills its 40 hex digits. */
function randomSerial(): string {
  const bytes = randomBytes(SERIAL_BYTES)
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0)
  return bytes.toString('hex')
}
