import { type KeyObject, type X509Certificate } from 'node:crypto'
import { AppError } from '../errors.ts'
import { type PemPair } from './certificate-authority.ts'
import { parseCertificates, parsePrivateKey } from './pem.ts'
import {
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  SubjectAlternativeNameExtension,
  X509Certificate as ParsedCertificate,
} from './x509.ts'

/**
 * Whether an endpoint can serve with this pair: each check is a way in which clients would fail with a message that does
 * not help. The first certificate counts; intermediates may follow. Throws `key-unusable`, saying what to do.
 */
export function checkServerCertificate(pair: PemPair, now: Date): void {
  const [certificate] = parseCertificates(pair.certificatePem)
  const key = parsePrivateKey(pair.keyPem)
  requireKeyMatch(certificate, key)
  requireValidity(certificate, now)
  const parsed = new ParsedCertificate(certificate.raw)
  requireServerUse(parsed)
  requireNames(parsed)
  requireStrongKey(key)
}

function requireKeyMatch(certificate: X509Certificate, key: KeyObject): void {
  if (certificate.checkPrivateKey(key)) return
  throw unusable(
    'does not belong to its key: use the key that it was requested with, and put it before its intermediates',
  )
}

function requireValidity(certificate: X509Certificate, now: Date): void {
  const { validFromDate, validToDate } = certificate
  if (now > validToDate) throw unusable(`expired at ${validToDate.toISOString()}: renew it`)
  if (now < validFromDate) {
    throw unusable(`is not valid before ${validFromDate.toISOString()}: wait, or set this machine's clock`)
  }
}

/** `anyExtendedKeyUsage` does not count: OpenSSL, and with it curl, wants serverAuth itself. */
function requireServerUse(certificate: ParsedCertificate): void {
  const extension = certificate.getExtension(ExtendedKeyUsageExtension)
  if (extension?.usages.includes(ExtendedKeyUsage.serverAuth) ?? true) return
  throw unusable('is not for servers: get one with the extended key usage serverAuth')
}

/** Go, and so Helm, does not look at the common name ("relies on legacy Common Name field"). */
function requireNames(certificate: ParsedCertificate): void {
  const extension = certificate.getExtension(SubjectAlternativeNameExtension)
  if (extension?.names.items.some(({ type }) => type === 'dns' || type === 'ip') === true) return
  throw unusable(
    'has no DNS name or IP address as subject alternative name, and Helm needs one: get one that has',
  )
}

/** OpenSSL's security level 1 and more, NIST SP 800-131A: shorter RSA keys are refused by clients. */
const LEAST_RSA_BITS = 2048

function requireStrongKey(key: KeyObject): void {
  const bits = key.asymmetricKeyDetails?.modulusLength
  if (bits === undefined || bits >= LEAST_RSA_BITS) return
  throw unusable(
    `has an RSA key of ${bits} bits: get one with at least ${LEAST_RSA_BITS}, or with ECDSA P-256`,
  )
}

function unusable(problem: string): AppError {
  return new AppError('key-unusable', `the server certificate ${problem}`)
}
