import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { type Offer, type Offers } from '../catalog/offers.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { inParallel } from '../transfer/in-parallel.ts'
import { elapses } from './elapses.ts'
import { createFetching, type FetchingDeps, type FetchingOptions } from './fetching.ts'
import { withLease } from './lease.ts'
import { type Mirror } from './mirror.ts'
import { type RefreshReport } from './refresh-report.ts'
import { describeSync, isComplete, type HeldVersion, type SyncReport } from './sync-report.ts'

export interface SyncDeps extends FetchingDeps {
  readonly catalog: Pick<Catalog, 'appendAudit' | 'findVersion' | 'offers'>
  readonly now: () => Date
  readonly refresh: (mirror: Mirror, signal: AbortSignal) => Promise<RefreshReport>
}

export interface SyncOptions extends FetchingOptions {
  readonly progress?: SyncProgress
}

export interface SyncProgress {
  /** Nobody else is at it. */
  readonly held?: () => void
  readonly begin: (total: number) => void
  readonly step: () => void
}

/** For another process that refreshes just now. */
const WAIT_MS = 500

/**
 * Brings a mirror up to date: reads the upstreams' indexes, then fetches what the filters select and is not here, some
 * at a time. Only one process of all does so. What has been fetched is here for good, so that a run that is broken off
 * or killed is gone on with by the next one. Leaves one row in the audit trail.
 */
export async function syncMirror(deps: SyncDeps, mirror: Mirror, options: SyncOptions): Promise<SyncReport> {
  const { repository, settings } = mirror
  if (settings.offline) return emptyReport(repository, 'offline')
  const leaseDeps = { offers: deps.catalog.offers, now: deps.now }
  const lease = { name: `mirror:${repository}`, signal: options.signal }
  const report = await withLease(leaseDeps, lease, (signal) => sync(deps, mirror, { ...options, signal }))
  return report === 'held-elsewhere' ? emptyReport(repository, 'busy') : report
}

function emptyReport(repository: RepositoryName, outcome: 'busy' | 'offline'): SyncReport {
  return {
    repository,
    outcome,
    upstreams: [],
    fetched: [],
    refused: [],
    held: [],
    unchanged: 0,
    postponed: 0,
  }
}

async function sync(deps: SyncDeps, mirror: Mirror, options: SyncOptions): Promise<SyncReport> {
  const { repository, settings } = mirror
  const { offers } = deps.catalog
  options.progress?.held?.()
  const refreshed = await refreshInTurn(deps, mirror, options)
  await offers.openAged(repository, deps.now(), options.by)
  const unchanged = sum((await offers.countOffers(repository)).map(({ stored }) => stored))
  const fetching = createFetching(deps, mirror, options)
  options.progress?.begin(await countMissing(offers, repository))
  await inParallel(missing(offers, repository, fetching.mayGoOn), settings.concurrency, async (offer) => {
    await fetching.take(offer)
    options.progress?.step()
  })
  const { fetched, refused, stopped } = fetching.result()
  const report: SyncReport = {
    repository,
    outcome: stopped === undefined ? 'done' : 'stopped',
    ...(stopped !== undefined && { reason: stopped }),
    upstreams: refreshed.upstreams,
    fetched,
    refused,
    held: await listHeld(offers, repository),
    unchanged,
    // Refused ones may have gone meanwhile.
    postponed: Math.max(0, (await countMissing(offers, repository)) - refused.length),
  }
  await audit(deps, report, options.by)
  return report
}

/** After another process that refreshes: what it has begun may be older than what is asked for now. */
async function refreshInTurn(
  { refresh }: SyncDeps,
  mirror: Mirror,
  { signal }: SyncOptions,
): Promise<RefreshReport> {
  for (;;) {
    const report = await refresh(mirror, signal)
    if (report.outcome !== 'busy' || !(await elapses(WAIT_MS, signal))) return report
  }
}

async function* missing(
  offers: Offers,
  repository: RepositoryName,
  mayGoOn: () => boolean,
): AsyncIterable<Offer> {
  for await (const batch of offers.listOffers(repository, { which: 'missing' })) {
    for (const offer of batch) {
      if (!mayGoOn()) return
      yield offer
    }
  }
}

async function countMissing(offers: Offers, repository: RepositoryName): Promise<number> {
  let count = 0
  for await (const batch of offers.listOffers(repository, { which: 'missing' })) count += batch.length
  return count
}

async function listHeld(offers: Offers, repository: RepositoryName): Promise<readonly HeldVersion[]> {
  const held: HeldVersion[] = []
  for await (const batch of offers.listOffers(repository, { which: 'held' })) {
    for (const { name, version, upstream, heldUntil, stored } of batch) {
      if (stored === 'no') held.push({ name, version, upstream, ...(heldUntil && { until: heldUntil }) })
    }
  }
  return held
}

async function audit({ catalog, now }: SyncDeps, report: SyncReport, by: Actor): Promise<void> {
  await catalog.appendAudit({
    ...by,
    at: now(),
    action: 'mirror-sync',
    outcome: isComplete(report) ? (report.fetched.length > 0 ? 'done' : 'unchanged') : 'refused',
    repository: report.repository,
    detail: describeSync(report),
  })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
