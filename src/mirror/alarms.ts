import { type Logger } from 'pino'
import { type Actor, type VersionId } from '../catalog/actor.ts'
import { type OfferAlarm, type Offers } from '../catalog/offers.ts'
import { describeRepository } from '../chart/repository-name.ts'
import { type MirrorMetrics } from '../ops/mirror-metrics.ts'

export interface AlarmDeps {
  readonly catalog: { readonly offers: Pick<Offers, 'raiseAlarm'> }
  readonly metrics: { readonly mirrors: Pick<MirrorMetrics, 'alarms'> }
  readonly log: Logger
}

/** Says once that an upstream's version is not what it was, or is said to be: audit trail, webhooks, log and metric. */
export async function raiseAlarm(
  deps: AlarmDeps,
  id: VersionId,
  alarm: OfferAlarm,
  by: Actor,
): Promise<void> {
  if ((await deps.catalog.offers.raiseAlarm(id, alarm, by)) === 'raised') tellAlarm(deps, id, alarm)
}

/** For an alarm that the catalog has recorded already. */
export function tellAlarm(
  { metrics, log }: Pick<AlarmDeps, 'metrics' | 'log'>,
  { repository, name, version }: VersionId,
  { kind, upstream, digest, reason }: OfferAlarm,
): void {
  metrics.mirrors.alarms.inc({ kind })
  const about = {
    mirror: describeRepository(repository),
    upstream,
    chart: name,
    version,
    alarm: kind,
    digest,
    reason,
  }
  log.error(about, 'an upstream has something else than before, or than it says')
}
