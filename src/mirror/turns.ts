import { AppError } from '../errors.ts'

/** Lets so many works run at a time; the rest wait, first come first served. */
export interface Turns {
  /** Throws `overloaded` where too many wait already, `request-aborted` when the signal aborts the waiting. */
  readonly take: <T>(work: () => Promise<T>, signal: AbortSignal) => Promise<T>
}

/** Whoever would wait behind so many has no hope of an answer in time. */
const MOST_WAITING = 1000
const RETRY_AFTER_S = 10

export function createTurns(atATime: number): Turns {
  const waiting = new Set<() => void>()
  let running = 0

  async function enter(signal: AbortSignal): Promise<void> {
    if (running < atATime) {
      running += 1
      return
    }
    if (waiting.size >= MOST_WAITING) throw overloaded()
    await new Promise<void>((resolve, reject) => {
      const settle = (then: () => void): void => {
        waiting.delete(next)
        signal.removeEventListener('abort', abort)
        then()
      }
      const next = (): void => {
        settle(resolve)
      }
      const abort = (): void => {
        settle(() => {
          reject(new AppError('request-aborted', 'interrupted'))
        })
      }
      signal.addEventListener('abort', abort)
      waiting.add(next)
    })
  }

  function leave(): void {
    const [next] = waiting
    if (next === undefined) running -= 1
    else next()
  }

  return {
    take: async (work, signal) => {
      if (signal.aborted) throw new AppError('request-aborted', 'interrupted')
      await enter(signal)
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}

function overloaded(): AppError {
  return new AppError('overloaded', `${MOST_WAITING} downloads are waiting for their turn`, {
    retryAfterS: RETRY_AFTER_S,
  })
}
