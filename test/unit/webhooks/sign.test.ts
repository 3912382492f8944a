import { equal } from 'node:assert/strict'
import { signBody } from '../../../src/webhooks/sign.ts'

describe('signBody', () => {
  it('signs the time, a dot and the body with HMAC-SHA256', () => {
    // printf '1700000000.{"event":"ping"}' | openssl dgst -sha256 -hmac key
    equal(
      signBody('{"event":"ping"}', 'key', new Date(1_700_000_000_999)),
      't=1700000000,v1=3ace95b7499f60370075a35d7575ce006c2d73b6be8e8c42bd93d0c83f17019d',
    )
  })
})
