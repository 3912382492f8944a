import { type X509Certificate } from 'node:crypto'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { type CertificateList, readCertificateList, readIssuer, type RevokedEntry } from './crl-list.ts'
import { type SignatureCheck, signatureCheckFor } from './signature-check.ts'
import { type DerElement, DerReader, TAG } from './der.ts'
import { KeyUsageFlags, KeyUsagesExtension, Name, X509Certificate as ParsedCertificate } from './x509.ts'

const BEGIN = /-----BEGIN X509 CRL-----/g
const BLOCK = /-----BEGIN X509 CRL-----([A-Za-z0-9+/=\s]+)-----END X509 CRL-----/g

/**
 * The CRLs of a file, at least one: PEM blocks, whatever text is around them, or one in DER. What cannot be read, or may
 * not be relied on because it says something that is not understood here (RFC 5280, section 5.2), makes the whole file
 * unusable: leaving it out would leave revoked certificates in. Who signed them is still to be asked (`verifiedBy`).
 * Throws `key-unusable`.
 */
export function parseCrls(data: string | Buffer): readonly [Crl, ...Crl[]] {
  const text = typeof data === 'string' ? data : data.toString('latin1')
  if (typeof data !== 'string' && data[0] === TAG.sequence) return [parseCrl(data)]
  const [first, ...others] = [...text.matchAll(BLOCK)].map(([, base64 = '']) => Buffer.from(base64, 'base64'))
  if (first === undefined) throw new AppError('key-unusable', 'no CRL found ("-----BEGIN X509 CRL-----")')
  if (text.match(BEGIN)?.length !== others.length + 1)
    throw new AppError('key-unusable', 'a PEM CRL is damaged or cut off')
  return [parseCrl(first), ...others.map(parseCrl)]
}

/** One CA's list of revoked certificates (RFC 5280, section 5). */
export class Crl {
  /** For people to read. */
  readonly issuer: string
  /** The issuer's name in DER, lower-case hex: equal to `subjectNameOf` the CA's certificate. */
  readonly issuerName: string
  /** Raised by the issuer with every new list; absent in lists of version 1. */
  readonly number: bigint | undefined
  readonly thisUpdate: Date
  /** By when the issuer has made another one; some say nothing of it. */
  readonly nextUpdate: Date | undefined
  /** By serial number, written as in `Identity.serial`. */
  readonly revoked: ReadonlyMap<string, RevokedEntry>
  readonly #parts: CrlParts

  constructor(parts: CrlParts) {
    const { issuer, number, thisUpdate, nextUpdate, revoked } = parts
    this.issuer = new Name(issuer).toString()
    this.issuerName = issuer.toString('hex')
    this.number = number
    this.thisUpdate = thisUpdate
    this.nextUpdate = nextUpdate
    this.revoked = revoked
    this.#parts = parts
  }

  /**
   * Whether the CA signed this list: its name is the issuer's, byte for byte, its key usage allows it, and the signature
   * is its key's (RFC 5280, section 6.3.3, step f and g). The signature is over the whole list: ask once, and remember.
   */
  verifiedBy(ca: X509Certificate): boolean {
    const { signed, signature, check } = this.#parts
    return subjectNameOf(ca) === this.issuerName && maySignCrls(ca) && check(signed, signature, ca.publicKey)
  }

  toPem(): string {
    return crlPem(this.#parts.der)
  }
}

/** With the label that OpenSSL and nginx read. */
export function crlPem(der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN X509 CRL-----\n${lines}\n-----END X509 CRL-----\n`
}

/** A certificate's subject in DER, lower-case hex. */
export function subjectNameOf(certificate: X509Certificate): string {
  const tbs = new DerReader(certificate.raw).enter().enter()
  tbs.optional(VERSION)
  for (const tag of [TAG.integer, TAG.sequence, TAG.sequence, TAG.sequence]) tbs.expect(tag)
  return tbs.expect(TAG.sequence).bytes.toString('hex')
}

/** `[0] EXPLICIT` (RFC 5280, section 4.1). */
const VERSION = 0xa0

interface CrlParts extends CertificateList {
  readonly der: Buffer
  readonly signed: Buffer
  readonly signature: Buffer
  readonly check: SignatureCheck
}

function parseCrl(der: Buffer): Crl {
  const { signed, algorithm, signature } = explained('a CRL', () => readEnvelope(der))
  const issuer = explained('a CRL', () => readIssuer(signed))
  return explained(`the CRL of ${quoted(new Name(issuer).toString())}`, () => {
    const check = signatureCheckFor(algorithm)
    return new Crl({ ...readCertificateList(signed, algorithm), der, signed: signed.bytes, signature, check })
  })
}

interface Envelope {
  readonly signed: DerElement
  readonly algorithm: DerElement
  readonly signature: Buffer
}

function readEnvelope(der: Buffer): Envelope {
  const file = new DerReader(der)
  const outer = file.enter()
  const signed = outer.expect(TAG.sequence)
  const algorithm = outer.expect(TAG.sequence)
  const signature = outer.bits()
  if (file.isAtEnd && outer.isAtEnd) return { signed, algorithm, signature }
  throw new AppError('key-unusable', 'there is something after it')
}

function maySignCrls(ca: X509Certificate): boolean {
  const usage = new ParsedCertificate(ca.raw).getExtension(KeyUsagesExtension)
  return usage === null || (usage.usages & KeyUsageFlags.cRLSign) !== 0
}

/** Says which CRL it is that cannot be used. */
function explained<T>(what: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const why = error instanceof AppError ? error.message : 'it is damaged, cut off or not DER'
    throw new AppError('key-unusable', `${what} cannot be used: ${why}`, { cause: error })
  }
}
