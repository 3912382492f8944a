import { type Logger } from 'pino'

/** Lines a minute that unverified peers can cause. */
const LINES_PER_WINDOW = 20
const WINDOW_MS = 60_000

/** Logs what anybody can cause, at a bounded rate: past it, lines are counted and the next window says how many. */
export class BoundedLog {
  readonly #log: Logger
  readonly #now: () => Date
  #windowStart = 0
  #lines = 0
  #dropped = 0

  constructor(log: Logger, now: () => Date) {
    this.#log = log
    this.#now = now
  }

  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    const now = this.#now().getTime()
    if (now - this.#windowStart >= WINDOW_MS) {
      if (this.#dropped > 0)
        this.#log.warn({ dropped: this.#dropped }, 'lines about unverified peers were dropped')
      this.#windowStart = now
      this.#lines = 0
      this.#dropped = 0
    }
    if (this.#lines >= LINES_PER_WINDOW) {
      this.#dropped += 1
      return
    }
    this.#lines += 1
    this.#log.warn(fields, message)
  }
}
