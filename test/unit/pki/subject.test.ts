import assert from 'node:assert/strict'
import { subjectName } from '../../../src/pki/subject.ts'

const REFUSED: readonly (readonly [title: string, commonName: string, message: RegExp])[] = [
  ['an empty one', '', /common name must have 1 to 64 characters, not 0/],
  ['65 characters', 'a'.repeat(65), /1 to 64 characters, not 65/],
  ['NUL, which C programs take for the end', 'admin\0.example', /"admin\\u0000\.example" has characters/],
  ['a line break', 'a\nb', /cannot be seen/],
  ['DEL', 'a\x7f', /cannot be seen/],
  ['a C1 control', 'a\u0085b', /cannot be seen/],
  ['a right-to-left override', 'a\u202eb', /"a\\u202eb" has characters that cannot be seen/],
  ['a zero-width space', 'ad\u200bmin', /cannot be seen/],
  ['half a surrogate pair', 'a\ud83d', /cannot be seen/],
  ['space in front', ' admin', /or space around it/],
  ['space behind', 'admin ', /or space around it/],
]

describe('subjectName', () => {
  for (const [title, commonName, message] of REFUSED) {
    it(`refuses as a common name ${title}`, () => {
      assert.throws(() => subjectName({ commonName }), { code: 'request-invalid', message })
    })
  }

  it('holds organisations and units to the same rules', () => {
    const refusal = (message: RegExp) => ({ code: 'request-invalid', message })
    assert.throws(
      () => subjectName({ commonName: 'a', organizations: ['ok', ''] }),
      refusal(/organization must/),
    )
    assert.throws(() => subjectName({ commonName: 'a', units: ['b\0'] }), refusal(/organizational unit "b/))
  })

  it('counts characters, not UTF-16 units or bytes', () => {
    assert.equal(subjectName({ commonName: '🚢'.repeat(64) }).getField('CN')[0], '🚢'.repeat(64))
    assert.throws(() => subjectName({ commonName: '🚢'.repeat(65) }), { message: /not 65/ })
  })

  it('keeps each attribute apart, the most general first', () => {
    const name = subjectName({ commonName: 'c', organizations: ['a', 'b'], units: ['u'] })
    assert.deepEqual(name.toJSON(), [{ O: ['a'] }, { O: ['b'] }, { OU: ['u'] }, { CN: ['c'] }])
  })

  for (const commonName of [
    '#41',
    'CN=a,O=b',
    'a+CN=b',
    '"quoted"',
    'back\\slash',
    '<;>',
    'Zoë Ünïcode',
    '名前',
  ]) {
    it(`takes ${commonName} as it is`, () => {
      assert.deepEqual(subjectName({ commonName }).toJSON(), [{ CN: [commonName] }])
    })
  }
})
