import { AppError } from '../errors.ts'

/** Lets so many works run at a time; the rest wait, first come first served. */
export interface Turns {
  /**
   * Throws `overloaded` where too many wait already or the turn has not come after `waitMs`, `request-aborted` when the
   * signal aborts the waiting.
   */
  readonly take: <T>(work: () => Promise<T>, signal: AbortSignal, waitMs?: number) => Promise<T>
}

/** Whoever would wait behind so many has no hope of an answer in time. */
const MOST_WAITING = 1000
const RETRY_AFTER_S = 10

export function createTurns(atATime: number): Turns {
  const waiting = new Set<() => void>()
  let running = 0

  async function enter(signal: AbortSignal, waitMs: number | undefined): Promise<void> {
    if (running < atATime) {
      running += 1
      return
    }
    if (waiting.size >= MOST_WAITING) throw overloaded(`${MOST_WAITING} downloads are waiting for their turn`)
    await new Promise<void>((resolve, reject) => {
      const settle = (then: () => void): void => {
        waiting.delete(next)
        signal.removeEventListener('abort', abort)
        clearTimeout(timer)
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
      const late = (): void => {
        settle(() => {
          reject(overloaded('other downloads of this upstream take long'))
        })
      }
      const timer = waitMs === undefined ? undefined : setTimeout(late, waitMs)
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
    take: async (work, signal, waitMs) => {
      if (signal.aborted) throw new AppError('request-aborted', 'interrupted')
      await enter(signal, waitMs)
      try {
        return await work()
      } finally {
        leave()
      }
    },
  }
}

function overloaded(why: string): AppError {
  return new AppError('overloaded', why, { retryAfterS: RETRY_AFTER_S })
}
