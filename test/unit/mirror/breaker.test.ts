import { deepEqual, equal, rejects, throws } from 'node:assert/strict'
import { AppError } from '../../../src/errors.ts'
import { createBreaker, type Breaker } from '../../../src/mirror/breaker.ts'

const FAILURE = new AppError('unavailable', 'down')

describe('a breaker', () => {
  let nowMs: number
  let noted: (number | undefined)[]
  let breaker: Breaker

  beforeEach(() => {
    nowMs = 0
    noted = []
    breaker = createBreaker({
      name: 'up',
      now: () => new Date(nowMs),
      note: (until) => noted.push(until?.getTime()),
    })
  })

  async function ask(outcome: AppError | 'fine'): Promise<void> {
    breaker.admit()
    const work = async (): Promise<void> => {
      await Promise.resolve()
      if (outcome !== 'fine') throw outcome
    }
    await (outcome === 'fine' ? breaker.watch(work) : rejects(breaker.watch(work), outcome))
  }

  async function fail(times: number, error = FAILURE): Promise<void> {
    for (let count = 0; count < times; count += 1) await ask(error)
  }

  const isSuspended = (retryAfterS: number): void => {
    throws(
      () => {
        breaker.admit()
      },
      { code: 'unavailable', retryAfterS },
    )
  }

  it('opens after five failures in a row, and no fewer', async () => {
    await fail(4)
    await ask('fine')
    await fail(4)
    await ask(FAILURE)
    isSuspended(5)
  })

  it('counts no answer as a failure, whatever it says, and no interruption', async () => {
    await fail(4)
    await ask(new AppError('upstream-invalid', 'nonsense'))
    await fail(4)
    await ask(new AppError('request-aborted', 'interrupted'))
    breaker.admit()
  })

  it('lets one try after the pause, and closes when that succeeds', async () => {
    await fail(5)
    nowMs = 5_000
    breaker.admit()
    isSuspended(5)
    await breaker.watch(async () => Promise.resolve())
    await ask('fine')
    await ask('fine')
    deepEqual(noted, [5_000, undefined])
  })

  it('lets another try where the first was interrupted', async () => {
    await fail(5)
    nowMs = 5_000
    await ask(new AppError('request-aborted', 'interrupted'))
    await ask('fine')
  })

  it('pauses twice as long after each try in vain, up to five minutes', async () => {
    await fail(5)
    const pauses = []
    for (let tries = 0; tries < 8; tries += 1) {
      const until = noted.at(-1) ?? 0
      pauses.push((until - nowMs) / 1000)
      nowMs = until
      await ask(FAILURE)
    }
    deepEqual(pauses, [5, 10, 20, 40, 80, 160, 300, 300])
  })

  it('pauses for as long as the upstream asks for, within reason', async () => {
    await fail(5, new AppError('unavailable', 'busy', { retryAfterS: 30 }))
    isSuspended(30)
    nowMs = 30_000
    await ask(new AppError('unavailable', 'busy', { retryAfterS: 86_400 }))
    isSuspended(300)
  })

  it('is not kept open by what was under way when it opened', async () => {
    const late = Array.from({ length: 10 }, () => {
      breaker.admit()
      return rejects(
        breaker.watch(async () => Promise.reject(FAILURE)),
        FAILURE,
      )
    })
    await Promise.all(late)
    equal(noted.length, 1)
    isSuspended(5)
  })
})
