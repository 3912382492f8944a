import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** Of the versions that mirrors have fetched, and of the upstreams that they have them from. */
export class FetchMetrics {
  readonly total: Counter<'repository' | 'upstream' | 'outcome'>
  readonly bytes: Counter<'repository' | 'upstream'>
  readonly seconds: Histogram<'repository' | 'upstream'>
  readonly suspendedUntil: Gauge<'repository' | 'upstream'>

  constructor(registry: Registry) {
    const registers = [registry]
    this.total = new Counter({
      name: 'chartroom_mirror_fetches_total',
      help: 'Versions fetched from upstreams, by outcome: stored, unchanged (another process was first), absent, refused, failed, interrupted.',
      labelNames: ['repository', 'upstream', 'outcome'],
      registers,
    })
    this.bytes = new Counter({
      name: 'chartroom_mirror_fetched_bytes_total',
      help: 'Bytes of the archives downloaded from upstreams, refused ones included.',
      labelNames: ['repository', 'upstream'],
      registers,
    })
    this.seconds = new Histogram({
      name: 'chartroom_mirror_fetch_duration_seconds',
      help: 'Time from the first request for a version to its end, stored or not.',
      labelNames: ['repository', 'upstream'],
      buckets: [0.1, 0.5, 2, 10, 60, 300],
      registers,
    })
    this.suspendedUntil = new Gauge({
      name: 'chartroom_mirror_suspended_until_timestamp_seconds',
      help: 'Until when an upstream that has failed repeatedly is asked for no package; 0 once it has answered again.',
      labelNames: ['repository', 'upstream'],
      aggregator: 'max',
      registers,
    })
  }
}
