import { deepEqual } from 'node:assert/strict'
import { createBandwidth } from '../../../src/mirror/bandwidth.ts'

describe('createBandwidth', () => {
  it('lets a little pass at once, and then no more than the rate, whoever asks', async () => {
    let nowMs = 0
    const waits: number[] = []
    const wait = async (delayMs: number): Promise<void> => {
      waits.push(delayMs)
      await Promise.resolve()
    }
    const take = createBandwidth(1000, { clock: () => nowMs, wait })
    const { signal } = new AbortController()
    await take(250, signal)
    await Promise.all([take(500, signal), take(500, signal)])
    deepEqual(waits, [500, 1000])
    nowMs = 10_000
    await take(250, signal)
    deepEqual(waits, [500, 1000])
  })
})
