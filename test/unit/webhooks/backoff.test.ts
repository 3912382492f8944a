import { equal } from 'node:assert/strict'
import { backoffMs } from '../../../src/webhooks/backoff.ts'

describe('backoffMs', () => {
  for (const [attempts, least, most] of [
    [1, 500, 1000],
    [2, 1000, 2000],
    [5, 8000, 16_000],
    [11, 300_000, 600_000],
    [5000, 300_000, 600_000],
  ] as const) {
    it(`waits ${least} to ${most} ms after attempt ${attempts}, by chance`, () => {
      equal(backoffMs(attempts, 0), least)
      equal(backoffMs(attempts, 1), most)
    })
  }
})
