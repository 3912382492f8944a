import { promisify } from 'node:util'
import { crc32, inflateRaw, type ZlibOptions } from 'node:zlib'
import { chartInvalid } from './invalid.ts'

/** RFC 1952, section 2.3.1: ID1, ID2 and the method deflate; the length of the fixed part; the flags. */
const MAGIC = Buffer.of(0x1f, 0x8b, 8)
const FIXED_HEADER = 10
const FLAG_HEADER_CRC = 0x02
const FLAG_EXTRA = 0x04
const FLAG_NAME = 0x08
const FLAG_COMMENT = 0x10
const RESERVED_FLAGS = 0xe0
/** CRC32 and ISIZE. */
const TRAILER = 8

/** A limit of ours: Helm writes an extra field and a comment of some 50 bytes, gzip a file's name. */
const LONGEST_HEADER = 4096

/**
 * The framing of a file that is exactly one gzip member (RFC 1952). Node's own gunzip reads on through further members
 * and ignores bytes after a zero: such bytes would be signed and stored and seen by some readers only. So the deflate
 * stream is inflated raw, between `deflated` and `inflated`, and `finish` looks at what is left of the file.
 */
export class GzipMember {
  #deflatedLength = 0
  #trailer: Buffer = Buffer.alloc(0)
  #checksum = 0
  #inflatedLength = 0

  /** The file's bytes without the header and the trailer. Throws `chart-invalid`. */
  async *deflated(file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    let isPastHeader = false
    let rest: Buffer = Buffer.alloc(0)
    for await (const chunk of file) {
      rest = Buffer.concat([rest, chunk])
      if (!isPastHeader) {
        const length = findHeaderLength(rest)
        if (length === undefined) continue
        isPastHeader = true
        rest = rest.subarray(length)
      }
      // Held back, since Node's inflate does not survive a chunk that begins after its stream's end.
      const bytes = rest.subarray(0, -TRAILER)
      rest = rest.subarray(bytes.length)
      this.#deflatedLength += bytes.length
      yield bytes
    }
    if (!isPastHeader) throw chartInvalid('the archive ends within its gzip header')
    this.#trailer = rest
  }

  /** The inflated bytes, as they are. */
  async *inflated(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.#checksum = crc32(chunk, this.#checksum)
      this.#inflatedLength += chunk.length
      yield chunk
    }
  }

  /** To be called at the end, with the number of bytes that the deflate stream took up. Throws `chart-invalid`. */
  finish(deflatedLength: number): void {
    if (deflatedLength < this.#deflatedLength) throw trailingBytes()
    if (!this.#trailer.equals(renderTrailer(this.#checksum, this.#inflatedLength))) {
      throw chartInvalid('the archive is damaged: its gzip checksum or length is wrong')
    }
  }
}

/**
 * The content of a file that is exactly one gzip member of so many bytes at most, inflated at once beside the event loop;
 * `undefined`, or an error, for every other file: `GzipMember` says what is wrong with it.
 */
export async function inflateMember(file: Buffer, maxBytes: number): Promise<Buffer | undefined> {
  const start = findHeaderLength(file)
  if (start === undefined || start + TRAILER > file.length) return undefined
  const deflated = file.subarray(start, -TRAILER)
  const claimed = file.readUInt32LE(file.length - 4)
  const chunkSize = Math.min(Math.max(claimed, SMALLEST_CHUNK), maxBytes)
  const { buffer, engine } = await inflateAll(deflated, { chunkSize, maxOutputLength: maxBytes, info: true })
  if (engine.bytesWritten !== deflated.length) return undefined
  return renderTrailer(crc32(buffer), buffer.length).equals(file.subarray(-TRAILER)) ? buffer : undefined
}

/** zlib's least. */
const SMALLEST_CHUNK = 64

/** The types leave out what `info` gives. */
const inflateAll = promisify(inflateRaw) as unknown as (
  bytes: Buffer,
  options: ZlibOptions & { readonly info: true },
) => Promise<{ readonly buffer: Buffer; readonly engine: { readonly bytesWritten: number } }>

function renderTrailer(checksum: number, length: number): Buffer {
  const trailer = Buffer.alloc(TRAILER)
  trailer.writeUInt32LE(checksum, 0)
  trailer.writeUInt32LE(length, 4)
  return trailer
}

export function trailingBytes(cause?: unknown): Error {
  return chartInvalid('the archive has bytes after its gzip member', cause)
}

/** `undefined` when more bytes are needed. Throws `chart-invalid`. */
function findHeaderLength(start: Buffer): number | undefined {
  const magic = start.subarray(0, MAGIC.length)
  if (!magic.equals(MAGIC.subarray(0, magic.length))) throw chartInvalid('the archive is not a gzip file')
  if (start.length < FIXED_HEADER) return undefined
  const flags = start.readUInt8(3)
  if ((flags & RESERVED_FLAGS) !== 0) throw chartInvalid('the archive has unknown gzip flags')
  const length = optionalFieldsEnd(start, flags)
  if (Math.min(length, start.length) > LONGEST_HEADER) {
    throw chartInvalid('the archive has an overlong gzip header')
  }
  return length > start.length ? undefined : length
}

/** Where the header ends; beyond the bytes there are, when it does not end in them. */
function optionalFieldsEnd(start: Buffer, flags: number): number {
  let end = FIXED_HEADER
  if ((flags & FLAG_EXTRA) !== 0) end = end + 2 > start.length ? end + 2 : end + 2 + start.readUInt16LE(end)
  if ((flags & FLAG_NAME) !== 0) end = textEnd(start, end)
  if ((flags & FLAG_COMMENT) !== 0) end = textEnd(start, end)
  return (flags & FLAG_HEADER_CRC) === 0 ? end : end + 2
}

function textEnd(start: Buffer, from: number): number {
  const zero = start.indexOf(0, from)
  return zero < from ? Math.max(start.length, from) + 1 : zero + 1
}
