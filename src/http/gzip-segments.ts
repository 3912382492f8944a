import { constants, crc32, deflateRaw } from 'node:zlib'
import { promisify } from 'node:util'

/**
 * One gzip member (RFC 1952) out of parts that are compressed each by itself, so that a part which stays the same is
 * compressed once. Several members one after another would be simpler, but browsers read the first one only.
 */

/** Compressed bytes of a part: whole deflate blocks, none of them the last, which refer to nothing in front of them. */
export interface DeflatedPart {
  readonly blocks: Buffer
  readonly crc: number
  /** Of the part itself. */
  readonly length: number
}

/** The fastest level: level 6 takes three times as long for a tenth less. */
const LEVEL = 1

/** What a part of 512 KB rarely comes out larger than: zlib then needs one buffer for it. */
const CHUNK_BYTES = 128 * 1024

/** Compresses off the event loop. */
export async function deflatePart(bytes: Buffer): Promise<DeflatedPart> {
  const options = { level: LEVEL, chunkSize: CHUNK_BYTES, finishFlush: constants.Z_FULL_FLUSH }
  const deflated = await promisify<Buffer, typeof options, Buffer>(deflateRaw)(bytes, options)
  // Its own memory: zlib's result is a window into a whole chunk.
  const blocks = Buffer.allocUnsafeSlow(deflated.length)
  deflated.copy(blocks)
  return { blocks, crc: crc32(bytes), length: bytes.length }
}

/** Head and tail, of up to 64 KB each, are stored as they are. */
export function joinGzip(head: Buffer, parts: readonly DeflatedPart[], tail: Buffer): readonly Buffer[] {
  let crc = crc32(head)
  let { length } = head
  for (const part of parts) {
    crc = combineCrc(crc, part)
    length += part.length
  }
  crc = combineCrc(crc, { crc: crc32(tail), length: tail.length })
  length += tail.length
  return [
    Buffer.concat([HEADER, storedBlock(head, 'more to come')]),
    ...parts.map(({ blocks }) => blocks),
    Buffer.concat([storedBlock(tail, 'last'), trailer(crc, length)]),
  ]
}

/** RFC 1952, section 2.3: deflate, no flags, no time, the fastest algorithm, system unknown. */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 4, 255])

/** RFC 1951, section 3.2.4. */
function storedBlock(bytes: Buffer, place: 'more to come' | 'last'): Buffer {
  const block = Buffer.alloc(5 + bytes.length)
  block[0] = place === 'last' ? 1 : 0
  block.writeUInt16LE(bytes.length, 1)
  block.writeUInt16LE(~bytes.length & 0xffff, 3)
  bytes.copy(block, 5)
  return block
}

function trailer(crc: number, length: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(crc, 0)
  bytes.writeUInt32LE(length % 2 ** 32, 4)
  return bytes
}

/** The CRC of some bytes followed by a part, from the CRC of each: zlib's `crc32_combine` (crc32.c). */
function combineCrc(crc: number, part: Omit<DeflatedPart, 'blocks'>): number {
  return (multiply(powerOfX(part.length), crc) ^ part.crc) >>> 0
}

/** CRC-32's polynomial, bits reversed: the highest bit of a number is the coefficient of x⁰. */
const POLYNOMIAL = 0xedb88320
const X_TO_0 = 0x80000000
const X_TO_1 = 0x40000000

/** a(x) · b(x) modulo the polynomial. */
function multiply(a: number, b: number): number {
  let product = 0
  let shifted = b
  for (let bit = X_TO_0; bit !== 0; bit >>>= 1) {
    if ((a & bit) !== 0) product ^= shifted
    shifted = (shifted & 1) === 0 ? shifted >>> 1 : (shifted >>> 1) ^ POLYNOMIAL
  }
  return product >>> 0
}

/** x^(8 · bytes) modulo the polynomial. */
function powerOfX(bytes: number): number {
  let power = X_TO_0
  let square = X_TO_1
  for (let exponent = bytes * 8; exponent > 0; exponent = Math.floor(exponent / 2)) {
    if (exponent % 2 === 1) power = multiply(square, power)
    square = multiply(square, square)
  }
  return power
}
