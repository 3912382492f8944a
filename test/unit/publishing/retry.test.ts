import assert from 'node:assert/strict'
import { type Attempt, parseRetryAfter, type RetryRules, withRetries } from '../../../src/publishing/retry.ts'

const NOW = new Date('2026-11-21T12:00:00Z')

describe('withRetries', () => {
  let waits: number[]
  let told: string[]

  beforeEach(() => {
    waits = []
    told = []
  })

  function rules(retries: number, random = 1): RetryRules {
    return {
      retries,
      random: () => random,
      wait: (delayMs) => {
        waits.push(delayMs)
        return Promise.resolve()
      },
      onRetry: ({ count, why }) => told.push(`${count}: ${why}`),
    }
  }

  function failures(count: number, retryAfterMs?: number): () => Promise<Attempt<string>> {
    let left = count
    return () => {
      left -= 1
      if (left < 0) return Promise.resolve({ kind: 'done', value: 'result' })
      const error = new Error(`failure ${count - left}`)
      return Promise.resolve({ kind: 'failed', error, ...(retryAfterMs !== undefined && { retryAfterMs }) })
    }
  }

  it('gives the first result, without waiting', async () => {
    assert.equal(await withRetries(rules(5), failures(0)), 'result')
    assert.deepEqual([waits, told], [[], []])
  })

  it('waits twice as long each time, and tells why', async () => {
    assert.equal(await withRetries(rules(5), failures(3)), 'result')
    assert.deepEqual(waits, [500, 1000, 2000])
    assert.deepEqual(told, ['1: failure 1', '2: failure 2', '3: failure 3'])
  })

  it('waits 30 s at most, and half of it at least', async () => {
    await withRetries(rules(10), failures(10))
    assert.equal(waits.at(-1), 30_000)
    await withRetries(rules(10, 0), failures(10))
    assert.equal(waits.at(-1), 15_000)
  })

  it('throws the last failure after as many retries as are allowed', async () => {
    await assert.rejects(withRetries(rules(2), failures(9)), { message: 'failure 3' })
    assert.equal(waits.length, 2)
  })

  it('waits as long as the server asks for', async () => {
    await withRetries(rules(5), failures(1, 7000))
    assert.deepEqual(waits, [7000])
  })

  it('does not wait for a server that asks for more than five minutes', async () => {
    await assert.rejects(withRetries(rules(5), failures(1, 300_001)), { message: 'failure 1' })
    assert.deepEqual(waits, [])
  })

  it('throws what the waiting throws: the process is to end', async () => {
    const interrupted = { ...rules(5), wait: () => Promise.reject(new Error('interrupted')) }
    await assert.rejects(withRetries(interrupted, failures(1)), { message: 'interrupted' })
  })
})

describe('parseRetryAfter', () => {
  const rows: readonly (readonly [string | undefined, number | undefined])[] = [
    ['5', 5000],
    ['Sat, 21 Nov 2026 12:00:10 GMT', 10_000],
    ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
    ['soon', undefined],
    ['-5', undefined],
    [undefined, undefined],
  ]
  for (const [header, expected] of rows) {
    it(`reads ${header ?? 'no header'} as ${expected ?? 'nothing'}`, () => {
      assert.equal(parseRetryAfter(header, NOW), expected)
    })
  }
})
