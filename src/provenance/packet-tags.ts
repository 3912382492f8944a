/**
 * The kinds of packets in a stream (RFC 9580, section 4.2). openpgp leaves out keys that it does not know, without a
 * word; this tells how many there should be, and whether a secret one is among them.
 */

export const SECRET_KEY = 5
export const PUBLIC_KEY = 6
export const SECRET_SUBKEY = 7

/** `undefined` when the bytes are not whole packets of known length. */
export function packetTags(bytes: Buffer): readonly number[] | undefined {
  const tags: number[] = []
  for (let at = 0; at < bytes.length;) {
    const header = readHeader(bytes, at)
    if (header === undefined || header.end > bytes.length) return undefined
    tags.push(header.tag)
    at = header.end
  }
  return tags
}

interface Header {
  readonly tag: number
  readonly end: number
}

function readHeader(bytes: Buffer, at: number): Header | undefined {
  const first = bytes.readUInt8(at)
  if (first < 0x80) return undefined
  return first < 0xc0 ? legacyHeader(bytes, at, first) : currentHeader(bytes, at, first)
}

/** Section 4.2.2. */
function legacyHeader(bytes: Buffer, at: number, first: number): Header | undefined {
  const sizes = [1, 2, 4]
  const size = sizes[first & 0x03]
  if (size === undefined || at + 1 + size > bytes.length) return undefined
  return { tag: (first >> 2) & 0x0f, end: at + 1 + size + bytes.readUIntBE(at + 1, size) }
}

/** Section 4.2.1; partial lengths are for data, not for keys. */
function currentHeader(bytes: Buffer, at: number, first: number): Header | undefined {
  const tag = first & 0x3f
  const length = bytes[at + 1] ?? 224
  if (length < 192) return { tag, end: at + 2 + length }
  const second = bytes[at + 2]
  if (length < 224 && second !== undefined) return { tag, end: at + 3 + ((length - 192) << 8) + second + 192 }
  if (length < 255 || at + 6 > bytes.length) return undefined
  return { tag, end: at + 6 + bytes.readUInt32BE(at + 2) }
}
