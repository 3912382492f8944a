import { Counter, Gauge, type Registry } from 'prom-client'
import { FetchMetrics } from './fetch-metrics.ts'

/** What Prometheus sees of mirrors. Repositories and upstreams are those of the configuration. */
export class MirrorMetrics {
  readonly refreshes: Counter<'repository' | 'upstream' | 'outcome'>
  readonly checkedAt: Gauge<'repository' | 'upstream'>
  readonly alarms: Counter<'kind'>
  readonly fetches: FetchMetrics
  readonly syncs: Counter<'repository' | 'outcome'>
  readonly lastSync: Gauge<'repository'>

  constructor(registry: Registry) {
    const registers = [registry]
    this.refreshes = new Counter({
      name: 'chartroom_mirror_refreshes_total',
      help: "Readings of upstreams' indexes, by outcome.",
      labelNames: ['repository', 'upstream', 'outcome'],
      registers,
    })
    this.checkedAt = new Gauge({
      name: 'chartroom_mirror_index_checked_timestamp_seconds',
      help: "When an upstream's index was last read to its end, or found unchanged: what is older is stale.",
      labelNames: ['repository', 'upstream'],
      aggregator: 'max',
      registers,
    })
    this.alarms = new Counter({
      name: 'chartroom_mirror_alarms_total',
      help: 'Versions that an upstream has changed, or that are not what it says they are.',
      labelNames: ['kind'],
      registers,
    })
    this.fetches = new FetchMetrics(registry)
    this.syncs = new Counter({
      name: 'chartroom_mirror_syncs_total',
      help: 'Syncs that ended here: complete, incomplete (something is left for the next one), failed.',
      labelNames: ['repository', 'outcome'],
      registers,
    })
    this.lastSync = new Gauge({
      name: 'chartroom_mirror_last_sync_timestamp_seconds',
      help: 'When the last complete sync of a mirror ended, whichever process made it.',
      labelNames: ['repository'],
      aggregator: 'max',
      registers,
    })
  }
}
