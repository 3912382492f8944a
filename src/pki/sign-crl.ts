import { type KeyObject, sign } from 'node:crypto'
import { encodeDer, encodeInteger, encodeTime, TAG } from './der.ts'
import { REVOCATION_REASONS, type RevocationReason } from './revocation-reason.ts'
import { AuthorityKeyIdentifierExtension, type Name } from './x509.ts'

export interface CrlToSign {
  /** Greater than that of every earlier list of this CA. */
  readonly number: bigint
  readonly thisUpdate: Date
  readonly nextUpdate: Date
  readonly revoked: readonly RevokedSerial[]
}

export interface RevokedSerial {
  readonly serial: string
  readonly at: Date
  readonly reason: RevocationReason
}

export interface CrlIssuer {
  readonly subject: Name
  /** ECDSA. */
  readonly key: KeyObject
  /** The subjectKeyIdentifier, in hex. */
  readonly keyIdentifier: string
}

/**
 * A CRL of version 2 in DER (RFC 5280, section 5), signed with ECDSA and SHA-256. Written here because the library's
 * generator compares each entry with all before it.
 */
export function signCrl(crl: CrlToSign, issuer: CrlIssuer): Buffer {
  const list = encodeDer(
    TAG.sequence,
    VERSION_2,
    ECDSA_WITH_SHA256,
    Buffer.from(issuer.subject.toArrayBuffer()),
    encodeTime(crl.thisUpdate),
    encodeTime(crl.nextUpdate),
    ...encodeEntries(crl.revoked),
    encodeExtensions(crl.number, issuer.keyIdentifier),
  )
  const signature = sign('sha256', list, issuer.key)
  return encodeDer(TAG.sequence, list, ECDSA_WITH_SHA256, encodeDer(TAG.bitString, NO_UNUSED_BITS, signature))
}

const VERSION_2 = encodeInteger('1')
const NO_UNUSED_BITS = Buffer.from([0])
const EXPLICIT_0 = 0xa0

/** 1.2.840.10045.4.3.2, without parameters (RFC 5758, section 3.2). */
const ECDSA_WITH_SHA256 = encodeDer(TAG.sequence, objectIdentifier('2a8648ce3d040302'))
/** RFC 5280, sections 5.2.3 and 5.3.1. */
const CRL_NUMBER = objectIdentifier('551d14')
const REASON_CODE = objectIdentifier('551d15')

/** Absent when there is none: section 5.1.2.6 forbids the empty list. */
function encodeEntries(revoked: readonly RevokedSerial[]): readonly Buffer[] {
  return revoked.length === 0 ? [] : [encodeDer(TAG.sequence, ...revoked.map(encodeEntry))]
}

function encodeEntry({ serial, at, reason }: RevokedSerial): Buffer {
  return encodeDer(TAG.sequence, encodeInteger(serial), encodeTime(at), ...encodeReason(reason))
}

/** "the reason code CRL entry extension SHOULD be absent instead of using the unspecified (0) reasonCode value" */
function encodeReason(reason: RevocationReason): readonly Buffer[] {
  if (reason === 'unspecified') return []
  const code = encodeDer(TAG.enumerated, Buffer.from([REVOCATION_REASONS[reason]]))
  return [encodeDer(TAG.sequence, extension(REASON_CODE, code))]
}

/** The two that section 5.2 asks of every CA. */
function encodeExtensions(number: bigint, keyIdentifier: string): Buffer {
  return encodeDer(
    EXPLICIT_0,
    encodeDer(
      TAG.sequence,
      Buffer.from(new AuthorityKeyIdentifierExtension(keyIdentifier).rawData),
      extension(CRL_NUMBER, encodeInteger(number.toString(16))),
    ),
  )
}

function extension(id: Buffer, value: Buffer): Buffer {
  return encodeDer(TAG.sequence, id, encodeDer(TAG.octetString, value))
}

function objectIdentifier(content: string): Buffer {
  return encodeDer(TAG.objectIdentifier, Buffer.from(content, 'hex'))
}
