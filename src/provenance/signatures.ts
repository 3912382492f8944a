import {
  PacketList,
  Signature,
  SignaturePacket,
  createMessage,
  enums,
  readSignature,
  sign,
  verify,
  type PrivateKey,
  type PublicKey,
} from 'openpgp'
import { AppError } from '../errors.ts'
import { CLOCK_SKEW_MS } from './clock-skew.ts'

/** The signature packets of a provenance file: read, made and checked over a text with lines joined by `\n`. */

/** Far more than people sign one chart; each one by a known key costs a verification. */
const MOST_SIGNATURES = 16

/** A hash that this table does not name is left out of the `Hash` header, which is only gpg's concern. */
const HASH_NAMES: ReadonlyMap<number, string> = new Map([
  [enums.hash.md5, 'MD5'],
  [enums.hash.sha1, 'SHA1'],
  [enums.hash.ripemd, 'RIPEMD160'],
  [enums.hash.sha224, 'SHA224'],
  [enums.hash.sha256, 'SHA256'],
  [enums.hash.sha384, 'SHA384'],
  [enums.hash.sha512, 'SHA512'],
])

/**
 * A key whose expiry was put off has a self-signature that is younger than older signatures: openpgp calls them
 * insecure, Helm and gpg accept them. Weak hashes, RSA below 2047 bits and DSA are refused by default.
 */
const VERIFY_CONFIG = { allowInsecureVerificationWithReformattedKeys: true }

/** Throws `provenance-invalid` when one of them is nothing that every Helm reads past. */
export async function readSignatures(bytes: Uint8Array): Promise<readonly SignaturePacket[]> {
  return requireFew(await readPackets(bytes)).map(checkPacket)
}

/** Throws `provenance-invalid` when there are more than can be read back. */
export function writeSignatures(packets: readonly SignaturePacket[]): Uint8Array {
  return listOf(requireFew(packets)).write()
}

/** For the `Hash` header, each once, in the order of the signatures. */
export function hashNames(packets: readonly SignaturePacket[]): string[] {
  const names = packets.flatMap(({ hashAlgorithm }) => HASH_NAMES.get(hashAlgorithm ?? 0) ?? [])
  return [...new Set(names)]
}

/** Upper-case hex, as gpg prints it. */
export function keyIdOf(packet: SignaturePacket): string {
  return packet.issuerKeyID.toHex().toUpperCase()
}

/** With the part of the key that signs on that day, in openpgp's own way, which serves every kind of key. */
export async function makeSignature(text: string, key: PrivateKey, date: Date): Promise<SignaturePacket> {
  const message = await createMessage({ text: canonical(text) })
  // Bytes for text; the types of streams, which it could also be, are not part of the package.
  const bytes: unknown = await sign({ message, signingKeys: key, detached: true, format: 'binary', date })
  const [packet, ...others] = await readSignatures(bytes as Uint8Array)
  if (packet === undefined || others.length > 0) throw new Error('one key has not made one signature')
  return packet
}

/**
 * Whether the key has signed this text and was then fit to: not expired, not too weak, and not revoked up to now for
 * whatever reason, as in Helm. Throws `signature-bad`.
 */
export async function checkSignature(
  packet: SignaturePacket,
  { text, key, now }: { readonly text: string; readonly key: PublicKey; readonly now: Date },
): Promise<void> {
  if (await isRevoked(key, packet, now)) throw bad(packet, 'the key is revoked')
  try {
    await verify({
      message: await createMessage({ text: canonical(text) }),
      signature: new Signature(listOf([packet])),
      verificationKeys: key,
      expectSigned: true,
      format: 'binary',
      date: new Date(now.getTime() + CLOCK_SKEW_MS),
      config: VERIFY_CONFIG,
    })
  } catch (cause) {
    throw bad(packet, describeFailure(cause), cause)
  }
}

async function readPackets(bytes: Uint8Array): Promise<PacketList<SignaturePacket>> {
  try {
    const { packets } = await readSignature({
      binarySignature: bytes,
      config: { ignoreUnsupportedPackets: false },
    })
    return packets
  } catch (cause) {
    throw invalid('has a signature that cannot be read', cause)
  }
}

function requireFew<T>(packets: readonly T[]): readonly T[] {
  if (packets.length > MOST_SIGNATURES) throw invalid(`has more than ${MOST_SIGNATURES} signatures`)
  return packets
}

/** Helm's readers stop at a signature without its issuer, and at a packet that is no signature. */
function checkPacket(packet: unknown): SignaturePacket {
  if (!(packet instanceof SignaturePacket)) throw invalid('has something else among its signatures')
  const { text, binary } = enums.signature
  if (packet.signatureType !== text && packet.signatureType !== binary) {
    throw invalid('has a signature that is not one of a document')
  }
  if (!/^(?!0+$)[0-9a-f]{16}$/.test(packet.issuerKeyID.toHex())) {
    throw invalid('has a signature that does not say which key made it')
  }
  return packet
}

async function isRevoked(key: PublicKey, { issuerKeyID }: SignaturePacket, now: Date): Promise<boolean> {
  if (await key.isRevoked(undefined, undefined, now)) return true
  for (const subkey of key.getSubkeys(issuerKeyID)) {
    for (const binding of subkey.bindingSignatures) {
      if (await subkey.isRevoked(binding, key.keyPacket, now)) return true
    }
  }
  return false
}

/** RFC 9580, section 7.2: lines of a clear-signed text end in CRLF, whatever the file has. */
export function canonical(text: string): string {
  return text.replaceAll('\n', '\r\n')
}

function listOf(packets: readonly SignaturePacket[]): PacketList<SignaturePacket> {
  const list = new PacketList<SignaturePacket>()
  list.push(...packets)
  return list
}

/** openpgp's words may quote the signature's own, or name files of this machine: only these reasons get out. */
const FAILURES: readonly (readonly [RegExp, string])[] = [
  [/Signed digest did not match|Signature verification failed/, 'it is not over this text'],
  [/Insecure (?:message )?hash algorithm/, 'its hash is too weak'],
  [/Signature creation time is in the future/, 'it is dated in the future'],
  [/Signature is expired/, 'it has expired'],
  [/key is expired/i, 'the key had expired when it was made'],
  [/Key is newer than the signature/, 'the key did not exist when it was made'],
  [/considered too weak/, 'the key is too weak'],
  [/critical/, 'it demands something that is not known here'],
]

function describeFailure(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : ''
  return FAILURES.find(([pattern]) => pattern.test(message))?.[1] ?? 'it cannot be verified with that key'
}

function bad(packet: SignaturePacket, why: string, cause?: unknown): AppError {
  return new AppError('signature-bad', `the signature by key ${keyIdOf(packet)} does not hold: ${why}`, {
    cause,
  })
}

function invalid(what: string, cause?: unknown): AppError {
  return new AppError('provenance-invalid', `the provenance file ${what}`, { cause })
}
