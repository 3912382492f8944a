import { type Logger } from 'pino'
import { type Catalog } from '../catalog/catalog.ts'
import { type Config } from '../config/load.ts'

export interface AuditRotationDeps {
  readonly catalog: Pick<Catalog, 'pruneAudit'>
  readonly settings: () => Config['audit']
  readonly log: Logger
  readonly now: () => Date
}

const INTERVAL_MS = 3_600_000

/** Removes from the audit trail what is older than the settings say: at the start, and every hour. */
export class AuditRotation {
  readonly #deps: AuditRotationDeps
  readonly #timer: NodeJS.Timeout
  #running: Promise<void>

  constructor(deps: AuditRotationDeps) {
    this.#deps = deps
    this.#running = this.#rotate()
    this.#timer = setInterval(() => {
      this.#running = this.#running.then(() => this.#rotate())
    }, INTERVAL_MS)
    this.#timer.unref()
  }

  /** What is being removed comes to its end first. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  async #rotate(): Promise<void> {
    const { catalog, settings, log, now } = this.#deps
    const { keep, readsKeep } = settings()
    const ago = (ms: number): Date => new Date(now().getTime() - ms)
    try {
      const reads = await catalog.pruneAudit('reads', ago(readsKeep))
      const others = await catalog.pruneAudit('all', ago(keep))
      if (reads + others > 0) log.info({ reads, others }, 'removed old entries of the audit trail')
    } catch (error) {
      // The next hour tries again; until then the trail is longer than it should be, and whole.
      log.error({ err: error }, 'old entries of the audit trail could not be removed')
    }
  }
}
