import { AppError } from '../errors.ts'

/** Leaves an upstream alone for a while after it has failed some times in a row. */
export interface Breaker {
  /** Before the upstream is asked, by `watch` at once. Throws `unavailable`, with the time left, where it may not be. */
  readonly admit: () => void
  /**
   * Runs `work`, which asks the upstream, and throws what that throws. Of this `unavailable` counts as a failure: any
   * other answer shows that the upstream is there.
   */
  readonly watch: <T>(work: () => Promise<T>) => Promise<T>
}

export interface BreakerDeps {
  /** For messages. */
  readonly name: string
  readonly now: () => Date
  /** Told until when the upstream is left alone, and of `undefined` once it has answered again. */
  readonly note: (until: Date | undefined) => void
}

const FAILURES = 5
const FIRST_PAUSE_MS = 5_000
const LONGEST_PAUSE_MS = 5 * 60_000

export function createBreaker({ name, now, note }: BreakerDeps): Breaker {
  let failures = 0
  /** In a row, without a success between. */
  let pauses = 0
  let pausedUntilMs = 0
  /** Behind a pause, one tries whether the upstream is back before all do. */
  let isTrying = false

  function admit(): void {
    const leftMs = pausedUntilMs - now().getTime()
    if (leftMs > 0) throw suspended(name, leftMs)
    if (pauses === 0) return
    if (isTrying) throw suspended(name, FIRST_PAUSE_MS)
    isTrying = true
  }

  function succeed(): void {
    if (pauses > 0) note(undefined)
    failures = 0
    pauses = 0
    pausedUntilMs = 0
    isTrying = false
  }

  function fail({ retryAfterS = 0 }: AppError): void {
    const atMs = now().getTime()
    failures += 1
    // Those that were under way when the pause began say nothing new.
    if (failures < FAILURES || atMs < pausedUntilMs) return
    const pauseMs = Math.max(FIRST_PAUSE_MS * 2 ** pauses, retryAfterS * 1000)
    pausedUntilMs = atMs + Math.min(pauseMs, LONGEST_PAUSE_MS)
    pauses += 1
    isTrying = false
    note(new Date(pausedUntilMs))
  }

  return {
    admit,
    watch: async (work) => {
      try {
        const result = await work()
        succeed()
        return result
      } catch (error) {
        if (!(error instanceof AppError)) isTrying = false
        else if (error.code === 'unavailable') fail(error)
        else if (error.code === 'request-aborted') isTrying = false
        else succeed()
        throw error
      }
    },
  }
}

function suspended(name: string, leftMs: number): AppError {
  const retryAfterS = Math.ceil(leftMs / 1000)
  return new AppError(
    'unavailable',
    `upstream ${name} has failed repeatedly and is left alone for ${retryAfterS} s`,
    {
      retryAfterS,
    },
  )
}
