import assert from 'node:assert/strict'
import { isWithin, validityFor } from '../../../src/pki/validity.ts'

describe('validityFor', () => {
  it('begins an hour early, ends after the days, and counts whole seconds', () => {
    assert.deepEqual(validityFor(2, new Date('2026-03-01T12:00:00.999Z')), {
      notBefore: new Date('2026-03-01T11:00:00Z'),
      notAfter: new Date('2026-03-03T12:00:00Z'),
    })
  })

  for (const days of [0, -1, 1.5, Number.NaN, Infinity, 36_526]) {
    it(`refuses ${String(days)} days`, () => {
      assert.throws(() => validityFor(days, new Date()), {
        code: 'request-invalid',
        message: /1 to 36525 whole days/,
      })
    })
  }
})

describe('isWithin', () => {
  const validity = { notBefore: new Date(1000), notAfter: new Date(2000) }
  for (const [timeMs, expected] of [
    [999, false],
    [1000, true],
    [2000, true],
    [2001, false],
  ] as const) {
    it(`is ${String(expected)} at ${timeMs} of 1000 to 2000`, () => {
      assert.equal(isWithin(validity, new Date(timeMs)), expected)
    })
  }
})
