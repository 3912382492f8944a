import { setImmediate } from 'node:timers/promises'
import { type Logger } from 'pino'
import { type AuditEntry, type Catalog } from '../catalog/catalog.ts'
import { type Config } from '../config/load.ts'
import { type Metrics } from '../ops/metrics.ts'

export interface ReadAuditDeps {
  readonly catalog: Pick<Catalog, 'appendAudit'>
  readonly settings: () => Config['audit']
  readonly log: Logger
  readonly metrics: Metrics
}

/** Entries that wait to be written. What comes beyond them is counted only: no download waits for its entry. */
const MOST_WAITING = 1000
const FLUSH_MS = 1000
/** Written in one transaction: some milliseconds in which the process does nothing else. */
const BATCH = 100

/** Who pulled what, where the settings say so: gathered, and written each second. */
export class ReadAudit {
  readonly #deps: ReadAuditDeps
  readonly #waiting: AuditEntry[] = []
  #timer: NodeJS.Timeout | undefined
  #flushing: Promise<void> = Promise.resolve()

  constructor(deps: ReadAuditDeps) {
    this.#deps = deps
  }

  note(entry: AuditEntry): void {
    const { settings, metrics } = this.#deps
    if (settings().reads === 'off') return
    if (this.#waiting.length >= MOST_WAITING) metrics.droppedReads.inc()
    else this.#waiting.push(entry)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#flushing = this.#flushing.then(() => this.#flush())
    }, FLUSH_MS).unref()
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    clearTimeout(this.#timer)
    await this.#flushing
    await this.#flush()
  }

  async #flush(): Promise<void> {
    const { catalog, log, metrics } = this.#deps
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH)
      try {
        await catalog.appendAudit(...batch)
      } catch (error) {
        metrics.droppedReads.inc(batch.length)
        log.error({ err: error, entries: batch.length }, 'reads could not be written to the audit trail')
      }
      // A transaction is synchronous: between two, whatever waits has its turn.
      await setImmediate()
    }
  }
}
