import { type Actor } from '../catalog/actor.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { withLease } from './lease.ts'
import { type Mirror } from './mirror.ts'
import {
  nothingFrom,
  type RefreshReport,
  type ReportDeps,
  tellReport,
  type UpstreamReport,
} from './refresh-report.ts'
import { refreshUpstream, type RefreshUpstreamDeps, type UpstreamTask } from './refresh-upstream.ts'

export interface RefreshDeps
  extends Omit<RefreshUpstreamDeps, 'catalog' | 'metrics'>, Omit<ReportDeps, 'catalog' | 'metrics'> {
  readonly catalog: RefreshUpstreamDeps['catalog'] & ReportDeps['catalog']
  readonly metrics: RefreshUpstreamDeps['metrics'] & ReportDeps['metrics']
  readonly now: () => Date
}

export interface RefreshOptions {
  /** Who the changes are by: the mirror itself, unless given. */
  readonly by?: Actor
  /** `changed`, the default, asks each upstream whether its index has changed; see `UpstreamTask`. */
  readonly extent?: UpstreamTask['extent']
  readonly signal?: AbortSignal | undefined
}

/**
 * Brings the offers of a mirror up to date with the indexes of its upstreams, in their order. An upstream that fails is
 * in the report, and its offers stay as they are. A refresh that is interrupted leaves what the next one mends. Throws
 * what the catalog throws, and `request-aborted`.
 */
export async function refreshMirror(
  deps: RefreshDeps,
  mirror: Mirror,
  { by = refreshActor(deps.now()), extent = 'changed', signal }: RefreshOptions = {},
): Promise<RefreshReport> {
  if (mirror.settings.offline) return { outcome: 'offline', upstreams: [] }
  const { offers } = deps.catalog
  const lease = { offers, now: deps.now }
  const upstreams = await withLease(lease, { name: `mirror-refresh:${mirror.repository}`, signal }, (held) =>
    refreshInTurn(deps, mirror, { extent, signal: held, by }),
  )
  return upstreams === 'held-elsewhere' ? { outcome: 'busy', upstreams: [] } : { outcome: 'done', upstreams }
}

type Turn = Pick<UpstreamTask, 'extent' | 'signal' | 'by'>

async function refreshInTurn(deps: RefreshDeps, mirror: Mirror, turn: Turn): Promise<UpstreamReport[]> {
  const { offers } = deps.catalog
  const { repository } = mirror
  const configured = mirror.upstreams.map(({ name }) => name)
  await offers.forgetUpstreams(repository, configured, turn.by)
  const taken = new Set<string>()
  const reports: UpstreamReport[] = []
  for (const [place, upstream] of mirror.upstreams.entries()) {
    const isWaiting = await isAnyUnread(offers, repository, configured.slice(0, place))
    const report = isWaiting
      ? nothingFrom(upstream.name, 'waiting')
      : await refreshUpstream(deps, { mirror, upstream, taken: new Set(taken), ...turn })
    if (report !== undefined) {
      reports.push(report)
      await tellReport(deps, repository, report, turn.by)
    }
    for (const chart of await offers.listOfferedCharts(repository, upstream.name)) taken.add(chart)
  }
  await offers.openAged(repository, turn.by.at, turn.by)
  return reports
}

/** An upstream that comes later must not have a chart's name only because an earlier one has not answered yet. */
async function isAnyUnread(
  offers: Catalog['offers'],
  repository: RepositoryName,
  names: readonly string[],
): Promise<boolean> {
  const records = await offers.listUpstreams(repository)
  return names.some((name) => records.find((record) => record.name === name)?.checkedAt === undefined)
}

/** What refreshing does, it does for everybody. */
export function refreshActor(at: Date): Actor {
  return { who: 'mirror', from: 'local', requestId: 'refresh', at }
}
