import assert from 'node:assert/strict'
import { parseDigest } from '../../../src/chart/digest.ts'
import { AppError } from '../../../src/errors.ts'

const DIGEST = '0123456789abcdef'.repeat(4)

describe('parseDigest', () => {
  it('accepts 64 lower-case hexadecimal digits', () => {
    assert.equal(parseDigest(DIGEST), DIGEST)
  })

  for (const text of [
    '',
    DIGEST.slice(1),
    `${DIGEST}0`,
    DIGEST.toUpperCase(),
    `sha256:${DIGEST}`,
    `${DIGEST}\n`,
    'g'.repeat(64),
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseDigest(text),
        (error) =>
          error instanceof AppError &&
          error.code === 'request-invalid' &&
          error.message.includes('not a SHA-256'),
      )
    })
  }
})
