import { equal, throws } from 'node:assert/strict'
import {
  decodeInteger,
  decodeTime,
  DerReader,
  encodeDer,
  encodeInteger,
  encodeTime,
  TAG,
} from '../../../src/pki/der.ts'

const DAMAGED = { code: 'key-unusable', message: /damaged, cut off or not DER/ }

function reader(hex: string): DerReader {
  return new DerReader(Buffer.from(hex, 'hex'))
}

describe('DerReader', () => {
  it('reads one element after another, to the end', () => {
    const elements = reader('020105040161')
    equal(elements.next().content.toString('hex'), '05')
    equal(elements.isAtEnd, false)
    equal(elements.next().bytes.toString('hex'), '040161')
    equal(elements.isAtEnd, true)
  })

  it('gives an optional element only when it is there', () => {
    const elements = reader('0201050401')
    equal(elements.optional(TAG.octetString), undefined)
    equal(elements.optional(TAG.sequence, TAG.integer)?.tag, TAG.integer)
    equal(reader('').optional(TAG.integer), undefined)
  })

  const LENGTHS = [0, 1, 127, 128, 255, 256, 65_535, 65_536]
  for (const length of LENGTHS) {
    it(`reads what encodeDer has written, of ${length} bytes`, () => {
      const bytes = encodeDer(TAG.octetString, Buffer.alloc(length, 7))
      const elements = new DerReader(bytes)
      equal(elements.expect(TAG.octetString).content.length, length)
      equal(elements.isAtEnd, true)
    })
  }

  const BROKEN: Readonly<Record<string, string>> = {
    nothing: '',
    'a tag only': '30',
    'less than it announces': '300205',
    'a length that is cut off': '3082ff',
    'an indefinite length': '30800000',
    'a length of five bytes': '30850000000001ff',
    'another tag': '020105',
  }
  for (const [title, hex] of Object.entries(BROKEN)) {
    it(`refuses ${title}`, () => {
      throws(() => reader(hex).enter(), DAMAGED)
    })
  }
})

describe('decodeInteger', () => {
  const INTEGERS: Readonly<Record<string, string>> = {
    '020100': '0',
    '02010f': 'f',
    '02020080': '80',
    '0203000001': '1',
    '020180': '-80',
    '0201f1': '-0f',
    '0202ff00': '-0100',
  }
  for (const [hex, expected] of Object.entries(INTEGERS)) {
    it(`reads ${hex} as ${expected}`, () => {
      equal(decodeInteger(reader(hex).next()), expected)
    })
  }

  it('refuses one without bytes', () => {
    throws(() => decodeInteger(reader('0200').next()), DAMAGED)
  })

  for (const serial of ['0', '7f', '80', 'fff', '4000000d391a91f01ad3f02763fb6f44cb99d034']) {
    it(`reads ${serial} as encodeInteger has written it`, () => {
      equal(decodeInteger(new DerReader(encodeInteger(serial)).next()), serial)
    })
  }
})

describe('times', () => {
  const TIMES = [
    '1950-01-01T00:00:00.000Z',
    '2026-03-04T12:34:56.000Z',
    '2049-12-31T23:59:59.000Z',
    '2050-01-01T00:00:00.000Z',
  ]
  for (const text of TIMES) {
    it(`reads ${text} as encodeTime has written it`, () => {
      equal(decodeTime(new DerReader(encodeTime(new Date(text))).next()).toISOString(), text)
    })
  }

  it('has two digits of the year until 2049', () => {
    equal(encodeTime(new Date('2049-12-31T23:59:59Z'))[0], TAG.utcTime)
    equal(encodeTime(new Date('2050-01-01T00:00:00Z'))[0], TAG.generalizedTime)
  })

  it('leaves out fractions of seconds', () => {
    const time = decodeTime(new DerReader(encodeTime(new Date('2026-03-04T12:34:56.789Z'))).next())
    equal(time.toISOString(), '2026-03-04T12:34:56.000Z')
  })

  for (const text of ['', '260304123456', '2603041234Z', '260304123456+0100', 'not a time Z']) {
    it(`refuses "${text}"`, () => {
      const element = new DerReader(encodeDer(TAG.utcTime, Buffer.from(text))).next()
      throws(() => decodeTime(element), DAMAGED)
    })
  }
})
