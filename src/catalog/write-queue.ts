import { setImmediate, setTimeout } from 'node:timers/promises'
import { AppError } from '../errors.ts'
import { type SqliteConnection, type Writer } from './sqlite-connection.ts'

/**
 * How long a write waits for another process's lock. No transaction holds it for more than some milliseconds: what
 * lasts longer is a fault, better reported than waited for.
 */
const MOST_WAIT_MS = 3_000

/** Between two attempts: short, as the lock is held for about one sync of the disk, and never in step with others. */
const LEAST_PAUSE_MS = 1
const MOST_PAUSE_MS = 4

/**
 * The write transactions of one process, in the order in which they were asked for. SQLite would wait for another
 * process's lock by stopping this whole one; here a write that finds it taken is tried again later, and whatever else
 * there is to do goes on meanwhile.
 */
export class WriteQueue {
  readonly #connection: SqliteConnection
  readonly #mostWaitMs: number
  /** Settles with the last write that waits; `undefined` when none does. Never rejects. */
  #tail: Promise<void> | undefined

  constructor(connection: SqliteConnection, { mostWaitMs = MOST_WAIT_MS } = {}) {
    this.#connection = connection
    this.#mostWaitMs = mostWaitMs
  }

  /** At once where the lock is free and nobody waits. Throws `unavailable` for a lock that stays taken. */
  async write<T>(fn: (tx: Writer) => T): Promise<T> {
    const deadline = performance.now() + this.#mostWaitMs
    if (this.#tail === undefined) {
      const outcome = this.#connection.tryWrite(fn)
      if (outcome !== 'locked') return outcome.value
    }
    const written = (this.#tail ?? Promise.resolve()).then(() => this.#keepTrying(fn, deadline))
    const leave = (): void => {
      if (this.#tail === settled) this.#tail = undefined
    }
    const settled: Promise<void> = written.then(leave, leave)
    this.#tail = settled
    return written
  }

  /** Those that wait come to their end first. */
  async close(): Promise<void> {
    while (this.#tail !== undefined) await this.#tail
    this.#connection.close()
  }

  async #keepTrying<T>(fn: (tx: Writer) => T, deadline: number): Promise<T> {
    // Between two transactions whatever else waits in this process has its turn.
    await setImmediate()
    for (;;) {
      const outcome = this.#connection.tryWrite(fn)
      if (outcome !== 'locked') return outcome.value
      if (performance.now() >= deadline)
        throw new AppError('unavailable', 'the catalog is locked by another process')
      await setTimeout(LEAST_PAUSE_MS + Math.random() * (MOST_PAUSE_MS - LEAST_PAUSE_MS))
    }
  }
}
