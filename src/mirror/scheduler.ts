import { type Logger } from 'pino'
import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { type MirrorMetrics } from '../ops/mirror-metrics.ts'
import { elapses } from './elapses.ts'
import { withLease } from './lease.ts'
import { type Mirror } from './mirror.ts'
import { findLastSync } from './last-sync.ts'
import { nextSync } from './sync-schedule.ts'
import { type SyncRuns } from './sync-runs.ts'

export interface SchedulerDeps {
  readonly catalog: Pick<Catalog, 'offers' | 'listAudit'>
  /** As configured now. */
  readonly mirrors: () => readonly Mirror[]
  readonly runs: Pick<SyncRuns, 'start'>
  /** Asks those upstreams whose index is older than the mirror's `ttl`. */
  readonly refresh: (mirror: Mirror, signal: AbortSignal) => Promise<unknown>
  readonly metrics: { readonly mirrors: Pick<MirrorMetrics, 'lastSync'> }
  readonly log: Logger
  readonly now: () => Date
  readonly random: () => number
}

const TICK_MS = 1_000
/** How soon another process takes the schedules over when the one that had them has ended. */
const RETRY_MS = 10_000
/** How often the trail is looked at for runs that were not made here, as those of the command line. */
const LOOK_MS = 60_000
/** However short `ttl` is. */
const LEAST_REFRESH_MS = 30_000

interface Plan {
  readonly schedule: string | undefined
  readonly at: Date | undefined
}

/**
 * Begins the syncs that are scheduled, and keeps the index of mirrors fresh that nobody reads through (`mode: sync`). Of
 * several processes on one catalog, the one that holds the lease does it.
 */
export class SyncScheduler {
  readonly #deps: SchedulerDeps
  readonly #stop = new AbortController()
  readonly #turns: Promise<void>
  readonly #plans = new Map<RepositoryName, Plan>()
  readonly #nextRefresh = new Map<RepositoryName, number>()
  readonly #refreshing = new Map<RepositoryName, Promise<void>>()
  #nextLookMs = 0

  constructor(deps: SchedulerDeps) {
    this.#deps = deps
    this.#turns = this.#takeTurns()
  }

  /** Begins nothing any more, and breaks off the refreshes. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#turns
    await Promise.all(this.#refreshing.values())
  }

  async #takeTurns(): Promise<void> {
    const { signal } = this.#stop
    const { catalog, now, log } = this.#deps
    const lease = { name: 'mirror-schedule', signal }
    do {
      if (this.#mirrors().length === 0) continue
      await withLease({ offers: catalog.offers, now }, lease, (held) => this.#watch(held)).catch(
        (error: unknown) => {
          log.error({ err: error }, 'the schedules of mirrors cannot be kept now')
        },
      )
    } while (await elapses(RETRY_MS, signal))
  }

  async #watch(held: AbortSignal): Promise<void> {
    // What others have done meanwhile is in the trail.
    this.#plans.clear()
    this.#nextLookMs = 0
    do await this.#tick()
    while (this.#mirrors().length > 0 && (await elapses(TICK_MS, held)))
  }

  async #tick(): Promise<void> {
    const now = this.#deps.now()
    const looks = now.getTime() >= this.#nextLookMs
    if (looks) this.#nextLookMs = now.getTime() + LOOK_MS
    for (const mirror of this.#mirrors()) {
      if (looks) await this.#noteLastSync(mirror)
      await this.#syncIfDue(mirror, now)
      if (mirror.settings.mode === 'sync') this.#refreshIfDue(mirror, now)
    }
  }

  /** Those that are to be complete, and may be asked. */
  #mirrors(): readonly Mirror[] {
    return this.#deps
      .mirrors()
      .filter(({ settings }) => settings.mode !== 'pull-through' && !settings.offline)
  }

  async #noteLastSync({ repository }: Mirror): Promise<void> {
    const { catalog, metrics } = this.#deps
    const last = await findLastSync(catalog, repository, 'complete')
    if (last !== undefined)
      metrics.mirrors.lastSync.set({ repository: repository || '/' }, last.at.getTime() / 1000)
  }

  async #syncIfDue({ repository, settings }: Mirror, now: Date): Promise<void> {
    const { catalog, random } = this.#deps
    const { schedule } = settings
    const known = this.#plans.get(repository)
    if (known === undefined || known.schedule !== schedule) {
      const last = schedule === undefined ? undefined : await findLastSync(catalog, repository)
      this.#plans.set(repository, { schedule, at: nextSync(settings, { lastSync: last?.at, now, random }) })
      return
    }
    if (known.at === undefined || known.at > now) return
    this.#plans.set(repository, { schedule, at: nextSync(settings, { lastSync: now, now, random }) })
    await this.#start(repository, { who: 'mirror', from: 'local', requestId: 'schedule', at: now })
  }

  async #start(repository: RepositoryName, by: Actor): Promise<void> {
    try {
      await this.#deps.runs.start(repository, by)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      const mirror = describeRepository(repository)
      this.#deps.log.warn({ mirror, reason: error.message }, 'a scheduled sync was left out')
    }
  }

  #refreshIfDue(mirror: Mirror, now: Date): void {
    const { repository, settings } = mirror
    if (this.#refreshing.has(repository) || now.getTime() < (this.#nextRefresh.get(repository) ?? 0)) return
    this.#nextRefresh.set(repository, now.getTime() + Math.max(settings.ttl, LEAST_REFRESH_MS))
    const refreshing = this.#deps
      .refresh(mirror, this.#stop.signal)
      .then(
        () => undefined,
        (error: unknown) => {
          if (this.#stop.signal.aborted) return
          this.#deps.log.error(
            { err: error, mirror: describeRepository(repository) },
            'a mirror cannot be refreshed now',
          )
        },
      )
      .finally(() => this.#refreshing.delete(repository))
    this.#refreshing.set(repository, refreshing)
  }
}
