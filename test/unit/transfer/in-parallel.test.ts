import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { inParallel } from '../../../src/transfer/in-parallel.ts'

describe('inParallel', () => {
  let isClosed: boolean

  beforeEach(() => {
    isClosed = false
  })

  async function* numbers(): AsyncGenerator<number> {
    try {
      for (let number = 1; number <= 20; number += 1) yield await Promise.resolve(number)
    } finally {
      isClosed = true
    }
  }

  it('works on every item, never on more than so many at a time', async () => {
    const done: number[] = []
    let running = 0
    let most = 0
    await inParallel(numbers(), 3, async (number) => {
      running += 1
      most = Math.max(most, running)
      await setImmediate()
      running -= 1
      done.push(number)
    })
    assert.deepEqual(
      done.toSorted((a, b) => a - b),
      Array.from({ length: 20 }, (_, place) => place + 1),
    )
    assert.equal(most, 3)
    assert.ok(isClosed)
  })

  it('begins nothing after a failure, waits for what is under way, and closes the source', async () => {
    const failure = new Error('the disk is full')
    const done: number[] = []
    const work = inParallel(numbers(), 2, async (number) => {
      if (number === 3) throw failure
      await setImmediate()
      done.push(number)
    })
    await assert.rejects(work, (error) => error === failure)
    const count = done.length
    assert.ok(count < 5 && isClosed)
    await setImmediate()
    assert.equal(done.length, count)
  })
})
