/**
 * ASCII armor (RFC 9580, section 6) of signatures, as strict as the strictest Helm reads it: no other characters
 * between the lines, and a checksum, where there is one, that is right. openpgp's own reader is too lenient to say
 * what Helm will see.
 */

const BASE64_COLUMNS = 64

/** Go's reader (x/crypto/openpgp/armor) gives up on longer lines. */
const BASE64_LINE = /^[A-Za-z0-9+/]{1,96}={0,2}$/
const CHECKSUM_LINE = /^=[A-Za-z0-9+/]{4}$/
/** An empty value makes Helm 3 miss the block. */
const HEADER_LINE = /^[A-Za-z][A-Za-z0-9-]*: [\x20-\x7e]*[\x21-\x7e]$/

/** The block, without a final line end. It has a checksum, without which GnuPG 2.2 refuses some blocks. */
export function armor(label: string, bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes).toString('base64')
  const lines = base64.match(new RegExp(`.{1,${BASE64_COLUMNS}}`, 'g')) ?? []
  return [`-----BEGIN ${label}-----`, '', ...lines, checksumLine(bytes), `-----END ${label}-----`].join('\n')
}

/** The bytes of a block from its lines, the first and last one included; `undefined` when it is not well-formed. */
export function unarmor(lines: readonly string[]): Buffer | undefined {
  const blank = lines.indexOf('')
  if (blank < 1 || !lines.slice(1, blank).every((line) => HEADER_LINE.test(line))) return undefined

  const body = lines.slice(blank + 1, -1)
  const checksum = body.findIndex((line) => CHECKSUM_LINE.test(line))
  const base64 = checksum < 0 ? body : body.slice(0, checksum)
  if (checksum >= 0 && checksum !== body.length - 1) return undefined

  const bytes = decodeBase64(base64)
  if (bytes === undefined || checksum < 0) return bytes
  return body[checksum] === checksumLine(bytes) ? bytes : undefined
}

function decodeBase64(lines: readonly string[]): Buffer | undefined {
  if (!lines.every((line) => BASE64_LINE.test(line))) return undefined
  const text = lines.join('')
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/** RFC 9580, section 6.1. */
function checksumLine(bytes: Uint8Array): string {
  let crc = 0xb704ce
  for (const byte of bytes) {
    crc ^= byte << 16
    for (let bit = 0; bit < 8; bit++) {
      crc <<= 1
      if ((crc & 0x1000000) !== 0) crc ^= 0x1864cfb
    }
  }
  const sum = Buffer.alloc(4)
  sum.writeUInt32BE(crc & 0xffffff)
  return `=${sum.subarray(1).toString('base64')}`
}
