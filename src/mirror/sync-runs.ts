import { type Logger } from 'pino'
import { type Actor } from '../catalog/catalog.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { type MirrorMetrics } from '../ops/mirror-metrics.ts'
import { type Mirror } from './mirror.ts'
import { syncMirror, type SyncDeps } from './sync.ts'
import { describeSync, isComplete, type SyncReport } from './sync-report.ts'

export interface SyncRunsDeps extends SyncDeps {
  /** As configured now. */
  readonly findMirror: (repository: RepositoryName) => Mirror | undefined
  readonly metrics: { readonly mirrors: Pick<MirrorMetrics, 'syncs' | 'lastSync'> }
  readonly log: Logger
}

/** A sync that goes on in this process. */
export interface SyncRun {
  readonly since: Date
  readonly by: string
}

/** The syncs of this process, whoever has asked for them. */
export class SyncRuns {
  readonly #deps: SyncRunsDeps
  readonly #stop = new AbortController()
  readonly #runs = new Map<RepositoryName, SyncRun & { readonly ended: Promise<void> }>()

  constructor(deps: SyncRunsDeps) {
    this.#deps = deps
  }

  running(repository: RepositoryName): SyncRun | undefined {
    const run = this.#runs.get(repository)
    return run && { since: run.since, by: run.by }
  }

  /** Resolves once it goes on by itself. Throws `already-running`, here or elsewhere, and `request-invalid`. */
  async start(repository: RepositoryName, by: Actor): Promise<SyncRun> {
    const mirror = this.#requireMirror(repository)
    if (this.#runs.has(repository) || this.#stop.signal.aborted) throw alreadyRunning(repository)
    const begun = Promise.withResolvers<'begun'>()
    const ended = this.#run(mirror, by, () => {
      begun.resolve('begun')
    })
    const run = { since: by.at, by: by.who }
    const tracked = ended.then(() => {
      this.#runs.delete(repository)
    })
    this.#runs.set(repository, { ...run, ended: tracked })
    const outcome = await Promise.race([begun.promise, ended])
    if (outcome === 'busy') throw alreadyRunning(repository)
    if (outcome === 'failed') throw new AppError('unavailable', 'the sync could not be begun')
    return run
  }

  /** Breaks off what goes on: the next run does the rest. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all([...this.#runs.values()].map(({ ended }) => ended))
  }

  #requireMirror(repository: RepositoryName): Mirror {
    const mirror = this.#deps.findMirror(repository)
    const name = describeRepository(repository)
    if (mirror === undefined) throw new AppError('request-invalid', `${name} is no mirror`)
    if (mirror.settings.offline) throw new AppError('request-invalid', `${name} is offline by its setting`)
    return mirror
  }

  /** Never rejects: what goes wrong is logged. */
  async #run(mirror: Mirror, by: Actor, onBegin: () => void): Promise<SyncReport['outcome'] | 'failed'> {
    const { repository } = mirror
    const { findMirror, log, metrics } = this.#deps
    const labels = { repository: repository || '/' }
    try {
      const report = await syncMirror(this.#deps, mirror, {
        by,
        signal: this.#stop.signal,
        current: () => findMirror(repository),
        progress: { begin: () => undefined, step: () => undefined, held: onBegin },
      })
      if (report.outcome !== 'busy') this.#note(report, by)
      return report.outcome
    } catch (error) {
      if (this.#stop.signal.aborted) return 'stopped'
      metrics.mirrors.syncs.inc({ ...labels, outcome: 'failed' })
      log.error(
        { err: error, mirror: describeRepository(repository), by: by.who },
        'a mirror could not be synchronised',
      )
      return 'failed'
    }
  }

  #note(report: SyncReport, by: Actor): void {
    const { log, metrics, now } = this.#deps
    const labels = { repository: report.repository || '/' }
    const complete = isComplete(report)
    metrics.mirrors.syncs.inc({ ...labels, outcome: complete ? 'complete' : 'incomplete' })
    if (complete) metrics.mirrors.lastSync.set(labels, now().getTime() / 1000)
    const about = { mirror: describeRepository(report.repository), by: by.who, complete }
    log.info(about, `a mirror was synchronised: ${describeSync(report)}`)
  }
}

function alreadyRunning(repository: RepositoryName): AppError {
  return new AppError('already-running', `${describeRepository(repository)} is being synchronised already`)
}
