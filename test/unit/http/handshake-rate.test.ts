import assert from 'node:assert/strict'
import { HandshakeRate } from '../../../src/http/handshake-rate.ts'

describe('HandshakeRate', () => {
  it('lets a quiet server take a second of handshakes at once, and spreads the others out', () => {
    const rate = new HandshakeRate(4)
    const waits = Array.from({ length: 7 }, () => rate.take(10_000))
    assert.deepEqual(waits, [0, 0, 0, 0, 0, 250, 500])
  })

  it('takes none that would wait for more than 2 s, and forgets those', () => {
    const rate = new HandshakeRate(4)
    const waits = Array.from({ length: 20 }, () => rate.take(0))
    assert.deepEqual(waits.slice(11), [1750, 2000, ...Array<undefined>(7)])
    assert.equal(rate.take(250), 2000)
    assert.equal(rate.take(250), undefined)
  })

  it('saves up no more than a second', () => {
    const rate = new HandshakeRate(2)
    rate.take(0)
    assert.deepEqual(
      Array.from({ length: 5 }, () => rate.take(60_000)),
      [0, 0, 0, 500, 1000],
    )
  })
})
