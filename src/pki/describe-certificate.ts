import { type X509Certificate } from 'node:crypto'
import { subjectKeyDigest } from './pem.ts'
import { type Validity } from './validity.ts'
import { SubjectAlternativeNameExtension, X509Certificate as ParsedCertificate } from './x509.ts'

/** What tells a certificate from all others: the catalog keeps it, and revokes by the first two. */
export interface CertificateDescription extends Validity {
  /** Of the CA: SHA-256 of its SubjectPublicKeyInfo, lower-case hex. */
  readonly issuerKey: string
  /** Lower-case hex without leading zeros. */
  readonly serial: string
  /** The last common name, the empty text where there is none. */
  readonly name: string
  readonly subject: string
  /** As `URI:spiffe://example.org/ci`. */
  readonly altNames: readonly string[]
}

export function describeCertificate(
  certificate: X509Certificate,
  issuer: X509Certificate,
): CertificateDescription {
  return {
    issuerKey: subjectKeyDigest(issuer),
    serial: serialOf(certificate),
    name: new ParsedCertificate(certificate.raw).subjectName.getField('CN').at(-1) ?? '',
    // Node escapes each value (RFC 2253) and puts attributes on lines of their own.
    subject: certificate.subject.replaceAll('\n', ', '),
    altNames: altNamesOf(certificate),
    notBefore: certificate.validFromDate,
    notAfter: certificate.validToDate,
  }
}

/** As in `Identity.serial`. */
export function serialOf(certificate: X509Certificate): string {
  return certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, '')
}

/** Which of the candidates signed the certificate: by its signature, because two CAs may bear the same name. */
export function findIssuer(
  certificate: X509Certificate,
  candidates: readonly X509Certificate[],
): X509Certificate | undefined {
  return candidates.find((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))
}

/** `openssl x509 -text` calls them so. */
const KINDS: Readonly<Record<string, string>> = { url: 'URI', dns: 'DNS', ip: 'IP' }

function altNamesOf(certificate: X509Certificate): readonly string[] {
  const extension = new ParsedCertificate(certificate.raw).getExtension(SubjectAlternativeNameExtension)
  return (extension?.names.items ?? []).map(({ type, value }) => `${KINDS[type] ?? type}:${value}`)
}
