import { type KeyObject, X509Certificate } from 'node:crypto'
import { AppError } from '../errors.ts'
import { clientDnsName, emailName, serverName, uriName } from './alternative-names.ts'
import { createKeyPair, isOurKind, type KeyPair, keyPairFrom, privateKeyPem } from './key-pair.ts'
import { parseCertificates, parsePrivateKey, subjectKeyDigest } from './pem.ts'
import { caExtensions, leafExtensions } from './extensions.ts'
import { type Issuer, signCertificate } from './sign-certificate.ts'
import { LONGEST_ATTRIBUTE, subjectName, type SubjectValues } from './subject.ts'
import { isWithin, type Validity, validityFor } from './validity.ts'
import {
  ExtendedKeyUsage,
  type JsonGeneralName,
  type Name,
  SubjectKeyIdentifierExtension,
  X509Certificate as ParsedCertificate,
} from './x509.ts'

/** Replacing the anchor means touching every client, so it outlives many rounds of leaves; mkcert's lives as long. */
const CA_DAYS = 3650

/** Certificates get lost with laptops and leavers: a year bounds that, and Apple's TLS refuses servers' over 825 days. */
const LEAF_DAYS = 365

export interface PemPair {
  readonly certificatePem: string
  /** Unencrypted PKCS#8: a secret. */
  readonly keyPem: string
}

/** A new leaf with its key, and what the catalog keeps of it (`CertificateRecord`). */
export interface IssuedCertificate extends PemPair, Validity {
  /** Of the CA: SHA-256 of its SubjectPublicKeyInfo, lower-case hex. */
  readonly issuerKey: string
  /** Lower-case hex without leading zeros. */
  readonly serial: string
  readonly subject: string
}

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
  readonly certificatePem: string
  readonly #certificate: X509Certificate
  readonly #issuer: Issuer

  private constructor(certificate: X509Certificate, issuer: Issuer) {
    this.certificatePem = certificate.toString()
    this.#certificate = certificate
    this.#issuer = issuer
  }

  /** Throws `key-unusable` when the pair cannot issue: not a CA, expired, another's key, or another kind of key than ours. */
  static open(pair: PemPair, now: Date): CertificateAuthority {
    const [certificate] = parseCertificates(pair.certificatePem)
    const key = parsePrivateKey(pair.keyPem)
    requireCa(certificate, key)
    requireCurrent(certificate, now)
    return new CertificateAuthority(certificate, issuerFrom(certificate, key))
  }

  async issueServer({ names, days, now }: ServerRequest): Promise<IssuedCertificate> {
    const altNames = unique(names).map(serverName)
    if (altNames.length === 0) {
      throw new AppError('request-invalid', 'a server certificate needs at least one name')
    }
    return this.#issue({
      subject: subjectName({ commonName: serverCommonName(names) }),
      altNames,
      usage: ExtendedKeyUsage.serverAuth,
      keys: await createKeyPair(),
      validity: this.#validity(days, now),
    })
  }

  async issueClient(request: ClientRequest): Promise<IssuedCertificate> {
    return this.#issue({
      subject: subjectName(request),
      altNames: clientNames(request),
      usage: ExtendedKeyUsage.clientAuth,
      keys: await createKeyPair(),
      validity: this.#validity(request.days, request.now),
    })
  }

  #validity(days: number | undefined, now: Date): Validity {
    requireCurrent(this.#certificate, now)
    const { notBefore, notAfter } = validityFor(days ?? LEAF_DAYS, now)
    const end = Math.min(notAfter.getTime(), this.#certificate.validToDate.getTime())
    return { notBefore, notAfter: new Date(end) }
  }

  async #issue(leaf: Leaf): Promise<IssuedCertificate> {
    const certificatePem = await signCertificate({
      ...leaf.validity,
      subject: leaf.subject,
      publicKey: leaf.keys.publicKey,
      issuer: this.#issuer,
      extensions: leafExtensions(leaf.usage, leaf.altNames),
    })
    const issued = new X509Certificate(certificatePem)
    return {
      ...leaf.validity,
      certificatePem,
      keyPem: privateKeyPem(leaf.keys.privateKey),
      issuerKey: subjectKeyDigest(this.#certificate),
      serial: issued.serialNumber.toLowerCase(),
      // Node escapes each value (RFC 2253) and puts attributes on lines of their own.
      subject: issued.subject.replaceAll('\n', ', '),
    }
  }
}

interface Leaf {
  readonly subject: Name
  readonly altNames: readonly JsonGeneralName[]
  readonly usage: ExtendedKeyUsage
  readonly keys: KeyPair
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

function issuerFrom(certificate: X509Certificate, key: KeyObject): Issuer {
  const parsed = new ParsedCertificate(certificate.raw)
  const { privateKey, publicKey } = keyPairFrom(key)
  return {
    subject: parsed.subjectName,
    signingKey: privateKey,
    keyIdentifier: parsed.getExtension(SubjectKeyIdentifierExtension)?.keyId ?? publicKey,
  }
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
