import { type Logger } from 'pino'
import { type Metrics } from './metrics.ts'

/** Something that ends on a day, by the name that logs and metrics use: `server certificate`. */
export interface Expiry {
  readonly what: string
  readonly at: Date
}

export interface ExpiryWatchDeps {
  /** What is in force now. */
  readonly expiries: () => readonly Expiry[]
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
}

/** Warnings are logged once as each of these many days before the end begins, and after it. */
const WARN_DAYS = [0, 1, 7, 30] as const
const DAY_MS = 86_400_000
const CHECK_MS = 3_600_000

/** Tells in time what is about to expire: as metrics, and as warnings in the log. */
export class ExpiryWatch {
  readonly #deps: ExpiryWatchDeps
  readonly #warned = new Set<string>()
  readonly #timer: NodeJS.Timeout

  constructor(deps: ExpiryWatchDeps) {
    this.#deps = deps
    this.#timer = setInterval(() => {
      this.check()
    }, CHECK_MS)
    this.#timer.unref()
    this.check()
  }

  /** To be called as well when what is in force has changed. */
  check(): void {
    const { expiries, metrics } = this.#deps
    metrics.expiry.reset()
    for (const expiry of expiries()) {
      metrics.expiry.set({ what: expiry.what }, expiry.at.getTime() / 1000)
      this.#warn(expiry)
    }
  }

  close(): Promise<void> {
    clearInterval(this.#timer)
    return Promise.resolve()
  }

  #warn({ what, at }: Expiry): void {
    const daysLeft = (at.getTime() - this.#deps.now().getTime()) / DAY_MS
    const threshold = WARN_DAYS.find((days) => daysLeft <= days)
    const key = `${what} ${at.toISOString()} ${threshold ?? 'fine'}`
    if (threshold === undefined || this.#warned.has(key)) return
    this.#warned.add(key)
    const fields = { what, expiresAt: at, daysLeft: Math.floor(daysLeft) }
    if (threshold === 0) this.#deps.log.error(fields, 'has expired')
    else this.#deps.log.warn(fields, 'expires soon')
  }
}
