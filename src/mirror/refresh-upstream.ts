import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { type Logger } from 'pino'
import { type Actor, type VersionId } from '../catalog/actor.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type Offer, type OfferDifference, type UpstreamRecord } from '../catalog/offers.ts'
import { type ChartName } from '../chart/name.ts'
import { describeRepository } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { AppError } from '../errors.ts'
import { tellAlarm, type AlarmDeps } from './alarms.ts'
import { DifferenceCollector } from './collect-differences.ts'
import { listsOffers, type Mirror, type MirrorUpstream } from './mirror.ts'
import { readOffers, type OffersRead } from './read-offers.ts'
import { nothingFrom, type UpstreamReport } from './refresh-report.ts'
import { type UpstreamEntry } from './upstream-entry.ts'
import { upstreamInvalid } from './upstream-error.ts'

export interface RefreshUpstreamDeps extends Pick<AlarmDeps, 'metrics'> {
  readonly catalog: Pick<Catalog, 'offers'>
  /** Takes a version out of the repository (`repository/withdraw.ts`). */
  readonly withdraw: (id: VersionId, by: Actor) => Promise<unknown>
  readonly log: Logger
}

export interface UpstreamTask {
  readonly mirror: Mirror
  readonly upstream: MirrorUpstream
  /** The charts that upstreams before this one have. */
  readonly taken: ReadonlySet<string>
  readonly by: Actor
  /** `all`: also what has not changed. `stale`: only if its last reading is older than the mirror's `ttl`, or failed. */
  readonly extent: 'all' | 'changed' | 'stale'
  readonly signal: AbortSignal
}

/** How many differences one transaction writes: some milliseconds' work. */
const BATCH = 100

/** A registry's tags may mean other charts by now; to ask for all of them costs two requests each. */
const RECHECK_TAGS_MS = 24 * 3_600_000

/** Part of what decides whether an unchanged index gives the same offers: raised when they are made otherwise. */
const FORMAT = 1

/**
 * Brings the offers of one upstream up to date. What fails on the way to the end of its index changes nothing but the
 * upstream's record. `undefined`: there was no reason to ask it.
 */
export async function refreshUpstream(
  deps: RefreshUpstreamDeps,
  task: UpstreamTask,
): Promise<UpstreamReport | undefined> {
  const { mirror, upstream, by, signal } = task
  const { offers } = deps.catalog
  const opened = {
    name: upstream.name,
    url: upstream.upstream.url.href,
    listed: listsOffers(mirror.settings),
  }
  const record = await offers.openUpstream(mirror.repository, opened, by)
  if (record === 'repository-unknown') return undefined
  const settings = settingsOf(task)
  const isAsked = task.extent !== 'stale' || record.validators.settings !== settings || isStale(record, task)
  if (!isAsked) return undefined
  try {
    return await readAndRecord(deps, { ...task, record, settings })
  } catch (error) {
    if (signal.aborted || !(error instanceof AppError)) throw error
    const reason = error.message
    await offers.noteReading(mirror.repository, upstream.name, { kind: 'failed', at: by.at, reason })
    return nothingFrom(upstream.name, 'failed', reason)
  }
}

interface OpenedTask extends UpstreamTask {
  readonly record: UpstreamRecord
  readonly settings: string
}

async function readAndRecord(deps: RefreshUpstreamDeps, task: OpenedTask): Promise<UpstreamReport> {
  const { mirror, upstream, record, settings, by } = task
  const collector = collectorFor(deps, task)
  const reading = await read(deps, task, collector)
  const { repository } = mirror
  const { offers } = deps.catalog
  if (reading.kind === 'unchanged') {
    const validators = reading.validators && { ...reading.validators, settings }
    const noted = { kind: 'unchanged' as const, at: by.at, ...(validators && { validators }) }
    await offers.noteReading(repository, upstream.name, noted)
    return { ...nothingFrom(upstream.name, 'unchanged'), entries: record.entries }
  }
  requireSomething(reading, task)
  await collector.finish(await offers.listOfferedCharts(repository, upstream.name))
  const kept = await withdrawDeleted(deps, task, collector.deleted)
  const written = await write(deps, task, withoutGone(collector.differences, kept))
  const refused = [...collector.refused, ...written.refused]
  const { entries } = reading.summary
  const summary = { entries, refused: reading.summary.refused + written.refused.length }
  // What could not be withdrawn is tried again: then the index is read whatever it is.
  const validators = { ...reading.validators, settings: kept.size === 0 ? settings : '' }
  await offers.noteReading(repository, upstream.name, { kind: 'changed', at: by.at, ...summary, validators })
  const { offered, gone, alarms } = written
  const withdrawn = mirror.settings.onUpstreamDelete === 'keep' ? 0 : collector.deleted.length - kept.size
  return { name: upstream.name, outcome: 'changed', entries, refused, offered, gone, alarms, withdrawn }
}

function collectorFor({ catalog }: RefreshUpstreamDeps, task: OpenedTask): DifferenceCollector {
  const { mirror, upstream, taken, record, by } = task
  const { quarantine, approve } = mirror.settings
  const isFirstReading = record.checkedAt === undefined
  return new DifferenceCollector({
    offers: catalog.offers,
    repository: mirror.repository,
    filters: upstream.settings,
    taken,
    rules: { upstream: upstream.name, quarantine, approve, now: by.at, isFirstReading },
  })
}

async function read(
  deps: RefreshUpstreamDeps,
  task: OpenedTask,
  collector: DifferenceCollector,
): Promise<OffersRead> {
  const { upstream, record, settings, extent, signal } = task
  const isComparable = extent !== 'all' && record.validators.settings === settings
  const known = await knownTags(deps, task)
  const validators = isComparable ? record.validators : undefined
  return readOffers(upstream, { validators, known, signal }, (batch) => collector.take(batch))
}

/** Of a registry: what is known of its tags, unless that is long ago, or one meant something else the last time. */
async function knownTags({ catalog }: RefreshUpstreamDeps, task: OpenedTask): Promise<KnownTags> {
  const { mirror, upstream, record, extent, by } = task
  const recheck = by.at.getTime() - (record.changedAt?.getTime() ?? 0) > RECHECK_TAGS_MS
  if (upstream.upstream.url.protocol !== 'oci:' || extent === 'all' || recheck) return () => undefined
  const known = new Map<string, Offer>()
  for await (const page of catalog.offers.listOffers(mirror.repository, { which: 'present' })) {
    for (const offer of page)
      if (offer.upstream === upstream.name && offer.other === undefined)
        known.set(`${offer.name} ${offer.version}`, offer)
  }
  return (name, version) => known.get(`${name} ${version}`)
}

type KnownTags = (name: ChartName, version: ChartVersion) => UpstreamEntry | undefined

/** An empty list where there were charts is taken for a fault of the upstream, unless the filters are others. */
function requireSomething(
  { summary }: OffersRead & { readonly kind: 'read' },
  { record, settings }: OpenedTask,
): void {
  const isEmpty = summary.entries + summary.filtered === 0
  if (!isEmpty || record.entries === 0 || record.validators.settings !== settings) return
  throw upstreamInvalid(`its index is empty, and had ${record.entries} versions before`)
}

/** Returns those that are still there, because they could not be withdrawn. */
async function withdrawDeleted(
  { withdraw, log }: RefreshUpstreamDeps,
  { mirror, upstream, by }: OpenedTask,
  deleted: readonly Offer[],
): Promise<ReadonlySet<string>> {
  const kept = new Set<string>()
  if (mirror.settings.onUpstreamDelete === 'keep') return kept
  for (const { repository, name, version } of deleted) {
    const detail = `${upstream.name} has it no more`
    await withdraw({ repository, name, version }, { ...by, detail }).catch((error: unknown) => {
      if (!(error instanceof AppError)) throw error
      kept.add(`${name} ${version}`)
      const about = { mirror: describeRepository(repository), chart: name, version, reason: error.message }
      log.warn(about, 'a version that is gone upstream cannot be withdrawn')
    })
  }
  return kept
}

function withoutGone(
  differences: readonly OfferDifference[],
  kept: ReadonlySet<string>,
): readonly OfferDifference[] {
  if (kept.size === 0) return differences
  return differences.filter(
    (difference) => difference.kind !== 'gone' || !kept.has(`${difference.id.name} ${difference.id.version}`),
  )
}

interface Written {
  offered: number
  gone: number
  alarms: number
  readonly refused: { readonly name: string; readonly version: string; readonly reason: string }[]
}

async function write(
  { catalog, metrics, log }: RefreshUpstreamDeps,
  { mirror, upstream, by, signal }: OpenedTask,
  differences: readonly OfferDifference[],
): Promise<Written> {
  const { repository } = mirror
  const written: Written = { offered: 0, gone: 0, alarms: 0, refused: [] }
  for (let start = 0; start < differences.length; start += BATCH) {
    signal.throwIfAborted()
    const batch = differences.slice(start, start + BATCH)
    const { alarms, refused } = await catalog.offers.recordOffers(repository, upstream.name, batch, by)
    for (const alarm of alarms) tellAlarm({ metrics, log }, { repository, ...alarm }, alarm)
    written.offered += batch.filter(({ kind }) => kind === 'offered').length - refused.length
    written.gone += batch.filter(({ kind }) => kind === 'gone').length
    written.alarms += alarms.length
    written.refused.push(...refused)
    await setImmediate()
  }
  return written
}

function isStale({ checkedAt, failure }: UpstreamRecord, { mirror, by }: UpstreamTask): boolean {
  if (checkedAt === undefined || failure !== undefined) return true
  return by.at.getTime() - checkedAt.getTime() >= mirror.settings.ttl
}

/** Of everything besides its index that the upstream's offers depend on. */
function settingsOf({ mirror, upstream, taken }: UpstreamTask): string {
  const { include, exclude, prereleases, keepLast, charts } = upstream.settings
  const { quarantine, approve } = mirror.settings
  const parts = {
    format: FORMAT,
    url: upstream.upstream.url.href,
    filters: { include, exclude, prereleases, keepLast, charts },
    rules: { quarantine, approve },
    taken: [...taken].sort(),
  }
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex')
}
