import { setTimeout } from 'node:timers/promises'
import { type Logger } from 'pino'
import { type Offers, type UpstreamRecord } from '../catalog/offers.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { type Freshness } from '../repository/freshness.ts'
import { type Mirror } from './mirror.ts'
import { type RefreshReport } from './refresh-report.ts'

export interface KeepFreshDeps {
  readonly offers: Pick<Offers, 'listUpstreams'>
  /** As configured now. */
  readonly findMirror: (repository: RepositoryName) => Mirror | undefined
  /** Asks those upstreams that are stale. */
  readonly refresh: (mirror: Mirror, signal: AbortSignal) => Promise<RefreshReport>
  readonly log: Logger
  readonly now: () => Date
}

/** How long a reader waits for an upstream that was never read. */
const FIRST_WAIT_MS = 10_000
/** While another process reads it. */
const POLL_MS = 100
/** After a failure nobody is asked again for so long, or for as long as an index counts as fresh. */
const RETRY_MS = 30_000
const LEAST_RETRY_MS = 1_000

/** Keeps mirrors fresh as they are read: one refresh of each at a time, behind the readers. */
export class KeepFresh {
  readonly #deps: KeepFreshDeps
  readonly #stop = new AbortController()
  readonly #refreshing = new Map<RepositoryName, Promise<RefreshReport | undefined>>()

  constructor(deps: KeepFreshDeps) {
    this.#deps = deps
  }

  /** See `EnsureFresh`. */
  async ensureFresh(repository: RepositoryName): Promise<Freshness | undefined> {
    const mirror = this.#deps.findMirror(repository)
    if (mirror === undefined) return undefined
    const records = await this.#recordsOf(mirror)
    if (records.some(isRead)) return this.#judge(mirror, records)
    const first = await this.#waitForFirst(mirror)
    return first && this.#judge(mirror, first)
  }

  /** Breaks off what is under way: the next refresh does it again. */
  async close(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#refreshing.values())
  }

  #judge(mirror: Mirror, records: readonly UpstreamRecord[]): Freshness {
    const freshness = freshnessOf(mirror, records, this.#deps.now())
    if (freshness.ttlMs <= 0 && !this.#isResting(mirror, records)) void this.#refresh(mirror)
    return freshness
  }

  /** Those that are configured. */
  async #recordsOf({ repository, upstreams }: Mirror): Promise<readonly UpstreamRecord[]> {
    const records = await this.#deps.offers.listUpstreams(repository)
    return records.filter((record) => upstreams.some(({ name }) => name === record.name))
  }

  /** Not after failures under earlier settings. */
  #isResting({ settings, openedAt }: Mirror, records: readonly UpstreamRecord[]): boolean {
    const restMs = Math.max(LEAST_RETRY_MS, Math.min(RETRY_MS, settings.ttl))
    const since = Math.max(this.#deps.now().getTime() - restMs, openedAt.getTime() - 1)
    return (
      settings.offline || records.some(({ failure }) => failure !== undefined && failure.at.getTime() > since)
    )
  }

  /** `undefined` where there is no such repository. */
  async #waitForFirst(mirror: Mirror): Promise<readonly UpstreamRecord[] | undefined> {
    const deadline = performance.now() + FIRST_WAIT_MS
    for (;;) {
      const before = await this.#recordsOf(mirror)
      if (before.some(isRead)) return before
      if (this.#isResting(mirror, before)) throw neverRead(mirror, before)
      const leftMs = deadline - performance.now()
      if (leftMs <= 0 || this.#stop.signal.aborted) throw neverRead(mirror, before)
      const report = await this.#within(leftMs, this.#refresh(mirror))
      if (report?.outcome === 'done' && report.upstreams.length === 0) return undefined
      if (report?.outcome !== 'done') await this.#within(POLL_MS, undefined)
    }
  }

  /** `undefined` once the time is up. */
  async #within<T>(delayMs: number, work: Promise<T> | undefined): Promise<T | undefined> {
    const done = new AbortController()
    const signal = AbortSignal.any([done.signal, this.#stop.signal])
    const timer = setTimeout(delayMs, undefined, { signal, ref: false }).catch(() => undefined)
    try {
      return await (work === undefined ? timer : Promise.race([work, timer]))
    } finally {
      done.abort()
    }
  }

  /** Whoever comes meanwhile waits for the one under way. Never rejects. */
  async #refresh(mirror: Mirror): Promise<RefreshReport | undefined> {
    const { repository } = mirror
    const refreshing =
      this.#refreshing.get(repository) ??
      this.#deps
        .refresh(mirror, this.#stop.signal)
        .catch((error: unknown) => {
          if (this.#stop.signal.aborted) return undefined
          this.#deps.log.error(
            { err: error, mirror: describeRepository(repository) },
            'a mirror cannot be refreshed now',
          )
          return undefined
        })
        .finally(() => this.#refreshing.delete(repository))
    this.#refreshing.set(repository, refreshing)
    return refreshing
  }
}

function isRead({ checkedAt }: UpstreamRecord): boolean {
  return checkedAt !== undefined
}

/** As fresh as the upstream that was read longest ago. */
function freshnessOf(
  { settings, upstreams }: Mirror,
  records: readonly UpstreamRecord[],
  now: Date,
): Freshness {
  const ages = upstreams.map(({ name }) => {
    const { checkedAt, failure } = records.find((record) => record.name === name) ?? {}
    const ttlMs = settings.ttl - (now.getTime() - (checkedAt?.getTime() ?? 0))
    const why = failure?.reason ?? (checkedAt === undefined ? 'never read' : undefined)
    return {
      ttlMs,
      isNever: checkedAt === undefined,
      detail: why === undefined ? undefined : `${name}: ${why}`,
    }
  })
  const ttlMs = Math.min(...ages.filter(({ isNever }) => !isNever).map((age) => age.ttlMs))
  const details = ages.flatMap(({ detail }) => detail ?? [])
  const isStale = ttlMs <= 0 || ages.some(({ isNever }) => isNever)
  if (!isStale) return { ttlMs }
  const detail = settings.offline ? 'offline' : details.join('; ')
  return { ttlMs: Math.min(ttlMs, 0), ...(detail !== '' && { detail }) }
}

function neverRead({ repository, settings }: Mirror, records: readonly UpstreamRecord[]): AppError {
  const mirror = `${describeRepository(repository)} has not been read from its upstream yet`
  if (settings.offline) return new AppError('unavailable', `${mirror}, and is offline`)
  const reason = records.find(({ failure }) => failure !== undefined)?.failure?.reason
  const text = reason === undefined ? `${mirror}: try again` : `${mirror}: ${reason}`
  return new AppError('unavailable', text, { retryAfterS: RETRY_MS / 1000 })
}
