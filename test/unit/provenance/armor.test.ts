import assert from 'node:assert/strict'
import { armor, unarmor } from '../../../src/provenance/armor.ts'

const LABEL = 'PGP SIGNATURE'
const BYTES = Buffer.from(Array.from({ length: 100 }, (_, place) => place * 7))

function linesOf(text: string): string[] {
  return text.split('\n')
}

describe('armor', () => {
  it('writes lines of 64 characters, a checksum and no final line end', () => {
    const lines = linesOf(armor(LABEL, BYTES))
    assert.deepEqual(
      lines.map((line) => line.length),
      [29, 0, 64, 64, 8, 5, 27],
    )
    assert.equal(lines.at(-2), '=smDv')
  })

  it('gives back the bytes that it was made of, for every length of the last group', () => {
    for (let length = 1; length <= BYTES.length; length++) {
      const bytes = BYTES.subarray(0, length)
      assert.deepEqual(unarmor(linesOf(armor(LABEL, bytes))), bytes)
    }
  })
})

describe('unarmor', () => {
  const good = linesOf(armor(LABEL, BYTES))
  const accepted: Record<string, string[]> = {
    'a block without a checksum': good.filter((line) => !line.startsWith('=')),
    'headers such as Version and Comment': good.toSpliced(
      1,
      0,
      'Version: GnuPG v2',
      'Comment: made: by hand',
    ),
  }
  for (const [what, lines] of Object.entries(accepted)) {
    it(`reads ${what}`, () => {
      assert.deepEqual(unarmor(lines), BYTES)
    })
  }

  const refused: Record<string, string[]> = {
    'no empty line after the headers': good.toSpliced(1, 1),
    'a header without a value': good.toSpliced(1, 0, 'Comment: '),
    'something else among the headers': good.toSpliced(1, 0, 'not a header'),
    'a wrong checksum': good.with(-2, '=AAAA'),
    'a checksum before the end': good.toSpliced(-2, 1).toSpliced(3, 0, '=smDv'),
    'a character outside base64': good.with(2, `${good[2]?.slice(0, -1) ?? ''}*`),
    'a blank at the end of a line': good.with(2, `${good[2] ?? ''} `),
    'a line longer than Go reads': good.toSpliced(2, 2, `${good[2] ?? ''}${good[3] ?? ''}`),
    'padding before the end': good.with(2, `${good[2]?.slice(0, -2) ?? ''}==`),
    'an empty line within': good.toSpliced(3, 0, ''),
  }
  for (const [what, lines] of Object.entries(refused)) {
    it(`refuses ${what}`, () => {
      assert.equal(unarmor(lines), undefined)
    })
  }
})
