import { type Logger } from 'pino'
import { type Actor } from '../catalog/actor.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { type MirrorMetrics } from '../ops/mirror-metrics.ts'
import { type RefusedEntry } from './index-entries.ts'

export interface RefreshReport {
  /** `busy`: another one is at it, maybe in another process. `offline`: the mirror is to ask nobody. */
  readonly outcome: 'done' | 'busy' | 'offline'
  /** Those that there was a reason to ask, in order. */
  readonly upstreams: readonly UpstreamReport[]
}

export interface UpstreamReport {
  readonly name: string
  /** `waiting`: for an upstream before it that has never been read, and may have the names of its charts. */
  readonly outcome: 'changed' | 'unchanged' | 'failed' | 'waiting'
  /** Why it failed. */
  readonly reason?: string
  /** What passed the filters. */
  readonly entries: number
  /** What cannot be offered, and why. */
  readonly refused: readonly RefusedEntry[]
  /** New, or described otherwise; gone upstream; with another digest than before; withdrawn here. */
  readonly offered: number
  readonly gone: number
  readonly alarms: number
  readonly withdrawn: number
}

export function nothingFrom(
  name: string,
  outcome: UpstreamReport['outcome'],
  reason?: string,
): UpstreamReport {
  const none = { entries: 0, refused: [], offered: 0, gone: 0, alarms: 0, withdrawn: 0 }
  return { name, outcome, ...(reason !== undefined && { reason }), ...none }
}

export interface ReportDeps {
  readonly catalog: Pick<Catalog, 'appendAudit'>
  readonly metrics: { readonly mirrors: Pick<MirrorMetrics, 'refreshes' | 'checkedAt'> }
  readonly log: Logger
}

/** Of the refused ones, so many are in the log and the audit trail; all are in the report. */
const MOST_SHOWN = 5

/** Says how the reading of an upstream went: in the metrics always, elsewhere where there is something to say. */
export async function tellReport(
  { catalog, metrics, log }: ReportDeps,
  repository: RepositoryName,
  report: UpstreamReport,
  by: Actor,
): Promise<void> {
  const { name: upstream, outcome, reason, refused, ...counts } = report
  const labels = { repository: repository === '' ? '/' : repository, upstream }
  metrics.mirrors.refreshes.inc({ ...labels, outcome })
  const about = { mirror: describeRepository(repository), upstream }
  if (outcome === 'failed')
    log.warn({ ...about, reason }, "an upstream's index cannot be read: what was there stays")
  if (outcome === 'failed' || outcome === 'waiting') return
  metrics.mirrors.checkedAt.set(labels, by.at.getTime() / 1000)
  if (outcome === 'unchanged') return
  log.info({ ...about, ...counts, refused: refused.length }, "an upstream's index was read")
  if (refused.length > 0)
    log.warn(
      { ...about, refused: refused.slice(0, MOST_SHOWN) },
      'an upstream has entries that make no sense',
    )
  if (counts.offered + counts.gone + counts.alarms + refused.length === 0) return
  await catalog.appendAudit({
    ...by,
    action: 'mirror-refresh',
    outcome: 'done',
    repository,
    detail: describeReport(report),
  })
}

function describeReport({ name, offered, gone, alarms, withdrawn, refused }: UpstreamReport): string {
  const shown = refused
    .slice(0, MOST_SHOWN)
    .map(({ name: chart, version, reason }) => `${chart} ${version}: ${reason}`)
  const more = refused.length > shown.length ? [`and ${refused.length - shown.length} more`] : []
  const counts = `${offered} new or changed, ${gone} gone, ${alarms} with another digest, ${withdrawn} withdrawn`
  const list = refused.length === 0 ? '' : `, ${refused.length} refused: ${[...shown, ...more].join('; ')}`
  return `${name}: ${counts}${list}`
}
