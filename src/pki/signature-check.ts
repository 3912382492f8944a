import { constants, type KeyObject, verify } from 'node:crypto'
import { AppError } from '../errors.ts'
import { type DerElement, DerReader, TAG } from './der.ts'

/** Checks the signature over some bytes under the algorithm that it was found with. */
export type SignatureCheck = (signed: Buffer, signature: Buffer, key: KeyObject) => boolean

/**
 * The check for an AlgorithmIdentifier (RFC 5280, section 4.1.1.2). Throws `key-unusable` for what nobody should trust,
 * such as SHA-1, and for what is not known here.
 */
export function signatureCheckFor(algorithm: DerElement): SignatureCheck {
  const reader = new DerReader(algorithm.content)
  const id = reader.expect(TAG.objectIdentifier).content.toString('hex')
  const check = id === RSA_PSS ? pssCheck(reader) : CHECKS[id]
  if (check !== undefined) return check
  throw new AppError(
    'key-unusable',
    'it is signed with an algorithm that is not taken here: RSA, RSA-PSS or ECDSA with SHA-256 to SHA-512, or EdDSA',
  )
}

/** 1.2.840.113549.1.1.10 */
const RSA_PSS = '2a864886f70d01010a'

/** By the content of the object identifier: RFC 4055, section 5; RFC 5758, section 3.2; RFC 8410, section 3. */
const CHECKS: Readonly<Record<string, SignatureCheck>> = {
  '2a864886f70d01010b': ofKind('rsa', 'sha256'),
  '2a864886f70d01010c': ofKind('rsa', 'sha384'),
  '2a864886f70d01010d': ofKind('rsa', 'sha512'),
  '2a8648ce3d040302': ofKind('ec', 'sha256'),
  '2a8648ce3d040303': ofKind('ec', 'sha384'),
  '2a8648ce3d040304': ofKind('ec', 'sha512'),
  '2b6570': ofKind('ed25519', undefined),
  '2b6571': ofKind('ed448', undefined),
}

/** 2.16.840.1.101.3.4.2.1 to .3 */
const HASHES: Readonly<Record<string, string>> = {
  '608648016503040201': 'sha256',
  '608648016503040202': 'sha384',
  '608648016503040203': 'sha512',
}

/** The kind of key must fit: Node would otherwise take the signature for another algorithm's. */
function ofKind(kind: string, hash: string | undefined): SignatureCheck {
  return (signed, signature, key) => key.asymmetricKeyType === kind && verify(hash, signed, key, signature)
}

/** RFC 4055, section 3.1: the hash is SHA-1 where nothing is said, and the mask's is the same one by its advice. */
function pssCheck(algorithm: DerReader): SignatureCheck | undefined {
  const explicit = algorithm.enter().optional(0xa0)
  if (explicit === undefined) return undefined
  const id = new DerReader(explicit.content).enter().expect(TAG.objectIdentifier).content.toString('hex')
  const hash = HASHES[id]
  if (hash === undefined) return undefined
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_AUTO: saltLength } = constants
  return (signed, signature, key) =>
    ['rsa', 'rsa-pss'].includes(String(key.asymmetricKeyType)) &&
    verify(hash, signed, { key, padding, saltLength }, signature)
}
