import { createHash, KeyObject, X509Certificate } from 'node:crypto'
import { AppError } from '../errors.ts'
import { clientDnsName, emailName, serverName, uriName } from './alternative-names.ts'
import { crlPem } from './crl.ts'
import { DerReader, TAG } from './der.ts'
import { type CertificateDescription, describeCertificate } from './describe-certificate.ts'
import { createKeyPair, isOurKind, keyPairFrom, privateKeyPem } from './key-pair.ts'
import { parseCertificates, parsePrivateKey, subjectKeyDigest } from './pem.ts'
import { caExtensions, leafExtensions } from './extensions.ts'
import { type CertificateToSign, type Issuer, signCertificate } from './sign-certificate.ts'
import { type CrlIssuer, type CrlToSign, signCrl } from './sign-crl.ts'
import { LONGEST_ATTRIBUTE, subjectName, type SubjectValues } from './subject.ts'
import { daysOf, isWithin, type Validity, validityFor } from './validity.ts'
import {
  ExtendedKeyUsage,
  type JsonGeneralName,
  type Name,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate as ParsedCertificate,
} from './x509.ts'

/** Replacing the anchor means touching every client, so it outlives many rounds of leaves; mkcert's lives as long. */
const CA_DAYS = 3650

/** Certificates get lost with laptops and leavers: a year bounds that, and Apple's TLS refuses servers' over 825 days. */
export const LEAF_DAYS = 365

export interface PemPair {
  readonly certificatePem: string
  /** Unencrypted PKCS#8: a secret. */
  readonly keyPem: string
}

/** A new leaf, and what the catalog keeps of it (`CertificateRecord`). */
export interface CertifiedKey extends CertificateDescription {
  readonly certificatePem: string
}

/** The same with its own new key. */
export interface IssuedCertificate extends CertifiedKey, PemPair {}

export interface ServerRequest {
  /** Host names, `*.` allowed in front, and IP addresses; at least one. */
  readonly names: readonly string[]
  readonly days?: number
  readonly now: Date
}

export interface ClientRequest extends SubjectValues {
  /** One at most: several would name nobody (SPIFFE X509-SVID, section 2). */
  readonly uri?: string
  readonly emails?: readonly string[]
  readonly dnsNames?: readonly string[]
  readonly days?: number
  readonly now: Date
}

/** What a certificate says stays; only its time, and perhaps its key, is new. */
export interface RenewalRequest {
  readonly certificate: X509Certificate
  readonly publicKey: KeyObject
  readonly days?: number
  readonly now: Date
}

/** A self-signed CA for leaves only (path length 0). Throws `request-invalid`. */
export async function createCertificateAuthority(request: {
  readonly commonName: string
  readonly days?: number
  readonly now: Date
}): Promise<PemPair> {
  const subject = subjectName(request)
  const validity = validityFor(request.days ?? CA_DAYS, request.now)
  const { publicKey, privateKey } = await createKeyPair()
  const certificatePem = await signCertificate({
    ...validity,
    subject,
    publicKey,
    issuer: { subject, signingKey: privateKey, keyIdentifier: publicKey },
    extensions: caExtensions(),
  })
  return { certificatePem, keyPem: privateKeyPem(privateKey) }
}

/**
 * Issues leaves. What it issues is recorded nowhere but in its result. No leaf outlives the CA: asked for longer, it ends
 * when the CA does. The methods throw `request-invalid`, and `key-unusable` once the CA has expired.
 */
export class CertificateAuthority {
  readonly certificate: X509Certificate
  readonly certificatePem: string
  /** As in what it issues. */
  readonly issuerKey: string
  readonly #issuer: Issuer & CrlIssuer

  private constructor(certificate: X509Certificate, key: KeyObject) {
    this.certificate = certificate
    this.certificatePem = certificate.toString()
    this.issuerKey = subjectKeyDigest(certificate)
    this.#issuer = issuerFrom(certificate, key)
  }

  /** Throws `key-unusable` when the pair cannot issue: not a CA, expired, another's key, or another kind of key than ours. */
  static open(pair: PemPair, now: Date): CertificateAuthority {
    const [certificate] = parseCertificates(pair.certificatePem)
    const key = parsePrivateKey(pair.keyPem)
    requireCa(certificate, key)
    requireCurrent(certificate, now)
    return new CertificateAuthority(certificate, key)
  }

  async issueServer({ names, days, now }: ServerRequest): Promise<IssuedCertificate> {
    const altNames = unique(names).map(serverName)
    if (altNames.length === 0) {
      throw new AppError('request-invalid', 'a server certificate needs at least one name')
    }
    const keys = await createKeyPair()
    const certified = await this.#certify({
      subject: subjectName({ commonName: serverCommonName(names) }),
      altNames,
      usage: ExtendedKeyUsage.serverAuth,
      publicKey: keys.publicKey,
      validity: this.#validity(days, now),
    })
    return { ...certified, keyPem: privateKeyPem(keys.privateKey) }
  }

  async issueClient(request: ClientRequest): Promise<IssuedCertificate> {
    const keys = await createKeyPair()
    const certified = await this.certifyClient(request, KeyObject.from(keys.publicKey))
    return { ...certified, keyPem: privateKeyPem(keys.privateKey) }
  }

  /** For a key that its owner has made, and keeps. */
  async certifyClient(request: ClientRequest, publicKey: KeyObject): Promise<CertifiedKey> {
    return this.#certify({
      subject: subjectName(request),
      altNames: clientNames(request),
      usage: ExtendedKeyUsage.clientAuth,
      publicKey: publicKeyInfo(publicKey),
      validity: this.#validity(request.days, request.now),
    })
  }

  /** Another certificate for the same client, by default for as long as the old one was issued for. */
  async renewClient({ certificate, publicKey, days, now }: RenewalRequest): Promise<CertifiedKey> {
    const parsed = new ParsedCertificate(certificate.raw)
    const names = parsed.getExtension(SubjectAlternativeNameExtension)?.names.items ?? []
    return this.#certify({
      subject: parsed.subjectName,
      altNames: names.map(({ type, value }) => ({ type, value })),
      usage: ExtendedKeyUsage.clientAuth,
      publicKey: publicKeyInfo(publicKey),
      validity: this.#validity(days ?? daysOf(certificate), now),
    })
  }

  /** PEM. Throws `key-unusable` once the CA has expired: nobody asks for its list any more. */
  signCrl(crl: CrlToSign): string {
    requireCurrent(this.certificate, crl.thisUpdate)
    return crlPem(signCrl(crl, this.#issuer))
  }

  #validity(days: number | undefined, now: Date): Validity {
    requireCurrent(this.certificate, now)
    const { notBefore, notAfter } = validityFor(days ?? LEAF_DAYS, now)
    const end = Math.min(notAfter.getTime(), this.certificate.validToDate.getTime())
    return { notBefore, notAfter: new Date(end) }
  }

  async #certify(leaf: Leaf): Promise<CertifiedKey> {
    const certificatePem = await signCertificate({
      ...leaf.validity,
      subject: leaf.subject,
      publicKey: leaf.publicKey,
      issuer: this.#issuer,
      extensions: leafExtensions(leaf.usage, leaf.altNames),
    })
    return { certificatePem, ...describeCertificate(new X509Certificate(certificatePem), this.certificate) }
  }
}

interface Leaf {
  readonly subject: Name
  readonly altNames: readonly JsonGeneralName[]
  readonly usage: ExtendedKeyUsage
  readonly publicKey: CertificateToSign['publicKey']
  readonly validity: Validity
}

function requireCa(certificate: X509Certificate, key: KeyObject): void {
  if (!certificate.ca) {
    throw new AppError('key-unusable', 'the certificate is not a CA: it may not sign others')
  }
  if (!certificate.checkPrivateKey(key)) {
    throw new AppError('key-unusable', 'the key does not belong to the CA certificate')
  }
  if (!isOurKind(key)) {
    throw new AppError(
      'key-unusable',
      'the CA has another kind of key than ECDSA P-256, which the built-in CA signs with',
    )
  }
}

function requireCurrent(certificate: X509Certificate, now: Date): void {
  const { validFromDate: notBefore, validToDate: notAfter } = certificate
  if (isWithin({ notBefore, notAfter }, now)) return
  throw new AppError(
    'key-unusable',
    `the CA certificate is valid from ${notBefore.toISOString()} to ${notAfter.toISOString()} only: make a new CA`,
  )
}

function issuerFrom(certificate: X509Certificate, key: KeyObject): Issuer & CrlIssuer {
  const parsed = new ParsedCertificate(certificate.raw)
  return {
    subject: parsed.subjectName,
    key,
    signingKey: keyPairFrom(key).privateKey,
    keyIdentifier: parsed.getExtension(SubjectKeyIdentifierExtension)?.keyId ?? keyIdentifierOf(certificate),
  }
}

/** RFC 5280, section 4.2.1.2, method 1: SHA-1 over the bit string with the key. */
function keyIdentifierOf({ publicKey }: X509Certificate): string {
  const info = new DerReader(publicKeyInfo(publicKey)).enter()
  info.expect(TAG.sequence)
  return createHash('sha1').update(info.bits()).digest('hex')
}

function publicKeyInfo(publicKey: KeyObject): Buffer<ArrayBuffer> {
  return Buffer.from(publicKey.export({ type: 'spki', format: 'der' }))
}

/** For people to read; clients look at the alternative names only (RFC 9525, section 2), so a long name may be absent. */
function serverCommonName(names: readonly string[]): string {
  return names.find((name) => name.length <= LONGEST_ATTRIBUTE) ?? 'Chartroom endpoint'
}

function clientNames({ uri, emails = [], dnsNames = [] }: ClientRequest): readonly JsonGeneralName[] {
  return [
    ...(uri === undefined ? [] : [uriName(uri)]),
    ...unique(emails).map(emailName),
    ...unique(dnsNames).map(clientDnsName),
  ]
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
