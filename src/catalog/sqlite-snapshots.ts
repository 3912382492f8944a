import { AppError } from '../errors.ts'
import { type Reader, type SqliteConnection } from './sqlite-connection.ts'

/** Each costs a few file descriptors and up to 2 MB of page cache; more readers than this wait for their turn. */
const MAX_SNAPSHOTS = 4

/**
 * Connections for reads that are too long for one turn of the event loop: while such a read awaits, no other may share
 * its connection, for it would share its snapshot too.
 */
export class SnapshotPool {
  readonly #open: () => SqliteConnection
  readonly #idle: SqliteConnection[] = []
  readonly #waiting: (() => void)[] = []
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(open: () => SqliteConnection) {
    this.#open = open
  }

  async read<T>(fn: (tx: Reader) => Promise<T>): Promise<T> {
    while (!this.#closed && this.#running.size >= MAX_SNAPSHOTS) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
    if (this.#closed) throw new AppError('unavailable', 'the catalog is closed')
    const running = this.#run(fn)
    this.#running.add(running)
    try {
      return await running
    } finally {
      this.#running.delete(running)
      this.#waiting.shift()?.()
    }
  }

  /** Reads that have begun end first. */
  async close(): Promise<void> {
    this.#closed = true
    for (const wake of this.#waiting.splice(0)) wake()
    await Promise.allSettled(this.#running)
    for (const connection of this.#idle.splice(0)) connection.close()
  }

  async #run<T>(fn: (tx: Reader) => Promise<T>): Promise<T> {
    const connection = this.#idle.pop() ?? this.#open()
    try {
      return await connection.snapshot(fn)
    } finally {
      this.#idle.push(connection)
    }
  }
}
