import { createHash, type KeyObject, randomBytes, sign } from 'node:crypto'
import { promisify } from 'node:util'
import { enums, SignaturePacket, type PrivateKey, type Subkey } from 'openpgp'
import { findRsaPrivateKey } from './rsa-private-key.ts'
import { canonical } from './signatures.ts'

const signBytes = promisify(sign)

/** What OpenPGP.js adds to a signature so that no two are over the same bytes, as long as its hash asks for. */
const SALT_NOTATION = Buffer.from('salt@notations.openpgpjs.org')
const HASHES: ReadonlyMap<number, { readonly name: string; readonly saltBytes: number }> = new Map([
  [enums.hash.sha256, { name: 'sha256', saltBytes: 16 }],
  [enums.hash.sha384, { name: 'sha384', saltBytes: 24 }],
  [enums.hash.sha512, { name: 'sha512', saltBytes: 32 }],
])

const VERSION = 4

/** Types of subpackets (RFC 9580, section 5.2.3.5); the first bit says that whoever does not know it must refuse. */
const CRITICAL = 0x80
const CREATION_TIME = 2
const ISSUER_KEY_ID = 16
const NOTATION_DATA = 20
const ISSUER_FINGERPRINT = 33

/**
 * Signs a text with lines joined by `\n` as openpgp does with this key, to the byte but for the salt, and imports the key once and not for each signature:
 * that is two thirds of the work. `model` is a signature that openpgp has made with it. `undefined` for a key or a hash of
 * another kind.
 */
export function createRsaSigner(
  { keyPacket }: PrivateKey | Subkey,
  model: SignaturePacket,
): ((text: string, date: Date) => Promise<SignaturePacket>) | undefined {
  const key = findRsaPrivateKey(keyPacket)
  const hash = HASHES.get(model.hashAlgorithm ?? 0)
  if (key === undefined || hash === undefined || model.version !== VERSION) return undefined
  return async (text, date) => {
    const hashed = hashedPart(model, date, randomBytes(hash.saltBytes))
    const bytes = Buffer.concat([Buffer.from(canonical(text)), hashed, trailer(hashed.length)])
    const packet = new SignaturePacket()
    packet.read(Buffer.concat([hashed, await unhashedPart(bytes, hash.name, key)]))
    return packet
  }
}

/** From the version to the hashed subpackets (RFC 9580, section 5.2.3). */
function hashedPart(model: SignaturePacket, date: Date, salt: Buffer): Buffer {
  const subpackets = Buffer.concat([
    subpacket(CRITICAL | CREATION_TIME, uint32(Math.floor(date.getTime() / 1000))),
    subpacket(ISSUER_KEY_ID, Buffer.from(model.issuerKeyID.toHex(), 'hex')),
    subpacket(NOTATION_DATA, saltNotation(salt)),
    subpacket(ISSUER_FINGERPRINT, Buffer.from([VERSION, ...(model.issuerFingerprint ?? [])])),
  ])
  const start = Buffer.from([
    VERSION,
    enums.signature.text,
    model.publicKeyAlgorithm ?? 0,
    model.hashAlgorithm ?? 0,
  ])
  return Buffer.concat([start, uint16(subpackets.length), subpackets])
}

/** Section 5.2.3.7; none of ours has 192 bytes or more, of which the length would take two. */
function subpacket(type: number, body: Buffer): Buffer {
  return Buffer.concat([Buffer.of(body.length + 1, type), body])
}

/** Section 5.2.3.24: no flags, the lengths of name and value, the two. */
function saltNotation(salt: Buffer): Buffer {
  return Buffer.concat([uint32(0), uint16(SALT_NOTATION.length), uint16(salt.length), SALT_NOTATION, salt])
}

/** Hashed behind the text and the packet's hashed part (section 5.2.4). */
function trailer(hashedLength: number): Buffer {
  return Buffer.concat([Buffer.of(VERSION, 0xff), uint32(hashedLength)])
}

/** No unhashed subpackets, the first 16 bits of the hash, the signature as a number with its length in bits. */
async function unhashedPart(bytes: Buffer, hash: string, key: KeyObject): Promise<Buffer> {
  const digest = createHash(hash).update(bytes).digest()
  const signature = await signBytes(hash, bytes, key)
  const number = signature.subarray(signature.findIndex((byte) => byte !== 0))
  const bits = number.length * 8 - Math.clz32(number.readUInt8(0)) + 24
  return Buffer.concat([uint16(0), digest.subarray(0, 2), uint16(bits), number])
}

function uint16(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
