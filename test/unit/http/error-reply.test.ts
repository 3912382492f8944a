import assert from 'node:assert/strict'
import { AppError } from '../../../src/errors.ts'
import { errorReply } from '../../../src/http/error-reply.ts'

describe('the reply to what fails', () => {
  function retryAfter(retryAfterS: number): unknown {
    return errorReply(new AppError('unavailable', 'later', { retryAfterS }), 'r').headers?.['retry-after']
  }

  it('says after how many seconds to come again, and only in whole ones', () => {
    assert.equal(retryAfter(17), '17')
    for (const none of [1e20, Infinity, NaN, 0.5]) assert.equal(retryAfter(none), '1')
  })
})
