import { deepEqual, equal, rejects } from 'node:assert/strict'
import { createTurns } from '../../../src/mirror/turns.ts'

const NEVER = new AbortController().signal

describe('turns', () => {
  it('are taken so many at a time, in the order of asking', async () => {
    const turns = createTurns(2)
    const started: number[] = []
    const finish: (() => void)[] = []
    const works = [0, 1, 2, 3].map(async (number) =>
      turns.take(async () => {
        started.push(number)
        await new Promise<void>((resolve) => finish.push(resolve))
        return number
      }, NEVER),
    )
    await Promise.resolve()
    deepEqual(started, [0, 1])
    finish[1]?.()
    equal(await works[1], 1)
    deepEqual(started, [0, 1, 2])
    finish[0]?.()
    finish[2]?.()
    await works[2]
    finish[3]?.()
    deepEqual(await Promise.all(works), [0, 1, 2, 3])
  })

  it('pass on when a work fails', async () => {
    const turns = createTurns(1)
    await rejects(
      turns.take(async () => Promise.reject(new Error('no')), NEVER),
      /no/,
    )
    equal(await turns.take(async () => Promise.resolve('next'), NEVER), 'next')
  })

  it('are not waited for any longer than wanted', async () => {
    const turns = createTurns(1)
    let finish: (() => void) | undefined
    const first = turns.take(() => new Promise<void>((resolve) => (finish = resolve)), NEVER)
    const stop = new AbortController()
    const second = turns.take(async () => Promise.resolve(), stop.signal)
    stop.abort()
    await rejects(second, { code: 'request-aborted' })
    await rejects(
      turns.take(async () => Promise.resolve(), stop.signal),
      { code: 'request-aborted' },
    )
    finish?.()
    await first
    equal(await turns.take(async () => Promise.resolve(3), NEVER), 3)
  })

  it('are refused where a thousand wait already', async () => {
    const turns = createTurns(1)
    let finish: (() => void) | undefined
    const first = turns.take(() => new Promise<void>((resolve) => (finish = resolve)), NEVER)
    const waiting = Array.from({ length: 1000 }, async () => turns.take(async () => Promise.resolve(), NEVER))
    await rejects(
      turns.take(async () => Promise.resolve(), NEVER),
      { code: 'overloaded', retryAfterS: 10 },
    )
    finish?.()
    await Promise.all([first, ...waiting])
  })

  it('do not keep anybody waiting for longer than they will', async () => {
    const turns = createTurns(1)
    const { signal } = new AbortController()
    let finish = (): void => undefined
    const first = turns.take(() => new Promise<void>((resolve) => (finish = resolve)), signal)
    let begun = false
    const late = turns.take(() => Promise.resolve((begun = true)), signal, 1)
    await rejects(late, { code: 'overloaded', retryAfterS: 10 })
    finish()
    await first
    equal(await turns.take(() => Promise.resolve('next'), signal), 'next')
    equal(begun, false)
  })
})
