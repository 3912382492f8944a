import { AppError } from '../errors.ts'
import { decodeInteger, decodeTime, type DerElement, DerReader, TAG } from './der.ts'
import { reasonOf, type RevocationReason } from './revocation-reason.ts'

/** What the signed part of a CRL says (TBSCertList, RFC 5280, section 5.1). Throws `key-unusable`. */

export interface CertificateList {
  /** A name in DER. */
  readonly issuer: Buffer
  readonly number: bigint | undefined
  readonly thisUpdate: Date
  readonly nextUpdate: Date | undefined
  readonly revoked: ReadonlyMap<string, RevokedEntry>
}

export interface RevokedEntry {
  readonly at: Date
  readonly reason: RevocationReason
}

export function readIssuer(list: DerElement): Buffer {
  const reader = new DerReader(list.content)
  reader.optional(TAG.integer)
  reader.expect(TAG.sequence)
  return reader.expect(TAG.sequence).bytes
}

/** `outerAlgorithm` is what the signature claims to be; section 5.1.1.2 wants the signed part to say the same. */
export function readCertificateList(list: DerElement, outerAlgorithm: DerElement): CertificateList {
  const reader = new DerReader(list.content)
  reader.optional(TAG.integer)
  if (!reader.expect(TAG.sequence).bytes.equals(outerAlgorithm.bytes)) {
    throw unusable('it names two algorithms of signature')
  }
  const issuer = reader.expect(TAG.sequence).bytes
  const thisUpdate = decodeTime(reader.next())
  const nextUpdate = reader.optional(TAG.utcTime, TAG.generalizedTime)
  const entries = reader.optional(TAG.sequence)
  const number = readExtensions(reader.optional(EXTENSIONS))
  if (!reader.isAtEnd) throw unusable('there is something after its extensions')
  return {
    issuer,
    number,
    thisUpdate,
    nextUpdate: nextUpdate === undefined ? undefined : decodeTime(nextUpdate),
    revoked: readEntries(entries),
  }
}

/** `[0] EXPLICIT` */
const EXTENSIONS = 0xa0

/** Object identifiers of RFC 5280, sections 5.2.3, 5.2.5 and 5.3.1, by their content. */
const CRL_NUMBER = '551d14'
const ISSUING_DISTRIBUTION_POINT = '551d1c'
const REASON_CODE = '551d15'

interface ReadExtension {
  readonly id: string
  readonly isCritical: boolean
  readonly value: Buffer
}

/** Gives the CRL's number. A delta CRL, whose indicator is critical, is refused with what is unknown: it is no list. */
function readExtensions(element: DerElement | undefined): bigint | undefined {
  let number: bigint | undefined
  if (element === undefined) return number
  for (const extension of extensionsOf(new DerReader(element.content).expect(TAG.sequence))) {
    if (extension.id === CRL_NUMBER) {
      number = BigInt(`0x${decodeInteger(new DerReader(extension.value).expect(TAG.integer))}`)
    } else if (extension.id === ISSUING_DISTRIBUTION_POINT) requireWholeScope(extension.value)
    else if (extension.isCritical) throw unusable('it has a critical extension that is not known here')
  }
  return number
}

/** `[0]` is where the list is to be had; `[1]` restricts it to certificates that are no CAs: all that is asked about. */
const HARMLESS_SCOPE = [0xa0, 0x81]

/** A list of some reasons, of CAs only or of other issuers' certificates would say "not revoked" of what it leaves out. */
function requireWholeScope(value: Buffer): void {
  const scope = new DerReader(value).enter()
  while (!scope.isAtEnd) {
    if (!HARMLESS_SCOPE.includes(scope.next().tag)) {
      throw unusable('it covers only some of the revoked certificates, or those of other issuers too')
    }
  }
}

function readEntries(element: DerElement | undefined): ReadonlyMap<string, RevokedEntry> {
  const revoked = new Map<string, RevokedEntry>()
  const entries = new DerReader(element?.content ?? Buffer.alloc(0))
  while (!entries.isAtEnd) {
    const entry = entries.enter()
    const serial = decodeInteger(entry.expect(TAG.integer))
    const at = decodeTime(entry.next())
    const extensions = entry.optional(TAG.sequence)
    revoked.set(serial, { at, reason: extensions === undefined ? 'unspecified' : readReason(extensions) })
  }
  return revoked
}

/** A critical one may be `certificateIssuer`, by which an entry speaks of another CA's certificate (section 5.3.3). */
function readReason(extensions: DerElement): RevocationReason {
  let reason: RevocationReason = 'unspecified'
  for (const { id, isCritical, value } of extensionsOf(extensions)) {
    if (id === REASON_CODE) {
      reason = reasonOf(new DerReader(value).expect(TAG.enumerated).content.readUInt8(0))
    } else if (isCritical) throw unusable('an entry has a critical extension that is not known here')
  }
  return reason
}

const BOOLEAN = 0x01

function* extensionsOf(list: DerElement): Iterable<ReadExtension> {
  const reader = new DerReader(list.content)
  while (!reader.isAtEnd) {
    const extension = reader.enter()
    const id = extension.expect(TAG.objectIdentifier).content.toString('hex')
    const isCritical = extension.optional(BOOLEAN)?.content[0] === 0xff
    yield { id, isCritical, value: extension.expect(TAG.octetString).content }
  }
}

function unusable(problem: string): AppError {
  return new AppError('key-unusable', problem)
}
