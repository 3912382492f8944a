import { AppError } from '../errors.ts'

/**
 * As much of DER (ITU-T X.690) as a CRL needs. The library's parser makes some objects per value and refuses a CRL of
 * more than about ten thousand entries; this one walks over the bytes.
 */

export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
} as const

/** One value, as places in the bytes that it is in: a large CRL has a million of them. */
export class DerElement {
  readonly tag: number
  readonly #bytes: Buffer
  readonly #start: number
  readonly #contentStart: number
  readonly #end: number

  constructor(bytes: Buffer, places: { readonly start: number; readonly contentStart: number; end: number }) {
    this.tag = bytes.readUInt8(places.start)
    this.#bytes = bytes
    this.#start = places.start
    this.#contentStart = places.contentStart
    this.#end = places.end
  }

  get content(): Buffer {
    return this.#bytes.subarray(this.#contentStart, this.#end)
  }

  /** Tag, length and content. */
  get bytes(): Buffer {
    return this.#bytes.subarray(this.#start, this.#end)
  }
}

/** Reads the elements of some bytes one after another. Its methods throw `key-unusable` where these are not DER. */
export class DerReader {
  readonly #bytes: Buffer
  #position = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#position === this.#bytes.length
  }

  next(): DerElement {
    const start = this.#position
    this.#byte()
    const length = this.#length()
    const contentStart = this.#position
    const end = contentStart + length
    if (end > this.#bytes.length) throw malformed()
    this.#position = end
    return new DerElement(this.#bytes, { start, contentStart, end })
  }

  /** The next element, which must have the tag. */
  expect(tag: number): DerElement {
    const element = this.next()
    if (element.tag !== tag) throw malformed()
    return element
  }

  /** The next element if there is one and it has one of the tags. */
  optional(...tags: readonly number[]): DerElement | undefined {
    const tag = this.#bytes[this.#position]
    return tag !== undefined && tags.includes(tag) ? this.next() : undefined
  }

  /** What is in the next element, which must be a BIT STRING of whole bytes: its first byte says how many bits are not. */
  bits(): Buffer {
    const { content } = this.expect(TAG.bitString)
    if (content[0] !== 0) throw malformed()
    return content.subarray(1)
  }

  /** A reader of the elements within the next one, which must be a SEQUENCE. */
  enter(): DerReader {
    return new DerReader(this.expect(TAG.sequence).content)
  }

  /** X.690, section 8.1.3: the short form, or up to four bytes in the long one: 4 GB are more than any CRL has. */
  #length(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    const count = first & 0x7f
    if (count < 1 || count > 4) throw malformed()
    let length = 0
    for (let read = 0; read < count; read += 1) length = length * 256 + this.#byte()
    return length
  }

  #byte(): number {
    const byte = this.#bytes[this.#position]
    if (byte === undefined) throw malformed()
    this.#position += 1
    return byte
  }
}

export function encodeDer(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  return Buffer.concat([Buffer.from([tag]), encodeLength(content.length), content])
}

/** Of a number in hex digits, not negative. */
export function encodeInteger(hex: string): Buffer {
  const digits = hex.length % 2 === 0 ? hex : `0${hex}`
  // The first bit is the sign (X.690, section 8.3.3).
  return encodeDer(TAG.integer, Buffer.from(/^[89a-f]/.test(digits) ? `00${digits}` : digits, 'hex'))
}

/** RFC 5280, section 4.1.2.5: two digits of the year until 2049. */
export function encodeTime(time: Date): Buffer {
  const text = time.toISOString().replace(/[-:T]|\.\d+/g, '')
  return time.getUTCFullYear() < 2050
    ? encodeDer(TAG.utcTime, Buffer.from(text.slice(2)))
    : encodeDer(TAG.generalizedTime, Buffer.from(text))
}

/** UTCTime or GeneralizedTime as RFC 5280, section 4.1.2.5, has them: in UTC, with seconds, without fractions. */
export function decodeTime({ tag, content }: DerElement): Date {
  const text = content.toString('latin1')
  const digits = tag === TAG.utcTime ? `${text < '50' ? '20' : '19'}${text}` : text
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(digits) ?? []
  const month0 = Number(month) - 1
  const time = Date.UTC(Number(year), month0, Number(day), Number(hour), Number(minute), Number(second))
  if (Number.isNaN(time)) throw malformed()
  return new Date(time)
}

/** Lower-case hex without leading zeros, with a minus where a broken CA has made it negative: as Node writes serials. */
export function decodeInteger({ content }: DerElement): string {
  const [first] = content
  if (first === undefined) throw malformed()
  if (first < 0x80) return content.toString('hex').replace(/^0+(?=.)/, '')
  const digits = (-BigInt.asIntN(content.length * 8, BigInt(`0x${content.toString('hex')}`))).toString(16)
  return `-${digits.length % 2 === 0 ? digits : `0${digits}`}`
}

function encodeLength(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes = Buffer.from(length.toString(16).replace(/^(.(?:..)*)$/, '0$1'), 'hex')
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes])
}

function malformed(): AppError {
  return new AppError('key-unusable', 'it is damaged, cut off or not DER')
}
