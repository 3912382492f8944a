import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { MirrorMetrics } from './mirror-metrics.ts'

/** What Prometheus sees. Labels come from closed lists only: nothing that a caller chooses makes a new series. */
export class Metrics {
  readonly registry = new Registry()
  readonly mirrors = new MirrorMetrics(this.registry)

  readonly #requests = new Counter({
    name: 'chartroom_requests_total',
    help: 'Requests of verified peers, by route and status (`aborted` when the peer left first).',
    labelNames: ['method', 'route', 'status'],
    registers: [this.registry],
  })

  readonly #requestSeconds = new Histogram({
    name: 'chartroom_request_duration_seconds',
    help: 'Time from a request to the end of its reply.',
    labelNames: ['route'],
    buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [this.registry],
  })

  readonly requestsInFlight = new Gauge({
    name: 'chartroom_requests_in_flight',
    help: 'Requests being served now.',
    registers: [this.registry],
  })

  readonly refusedPeers = new Counter({
    name: 'chartroom_refused_peers_total',
    help: 'Requests refused because the peer did not prove who it is, by reason.',
    labelNames: ['reason'],
    registers: [this.registry],
  })

  readonly failedHandshakes = new Counter({
    name: 'chartroom_failed_handshakes_total',
    help: 'Connections that ended before TLS was established.',
    registers: [this.registry],
  })

  readonly refusedProxyHeaders = new Counter({
    name: 'chartroom_refused_proxy_headers_total',
    help: 'Connections from proxies closed for want of a valid PROXY header, by reason.',
    labelNames: ['reason'],
    registers: [this.registry],
  })

  readonly openConnections = new Gauge({
    name: 'chartroom_open_connections',
    help: 'Connections to the mTLS listener, those whose handshake is not over included.',
    registers: [this.registry],
  })

  readonly refusedConnections = new Counter({
    name: 'chartroom_refused_connections_total',
    help: 'Connections closed to protect the server, by the limit that they were beyond.',
    labelNames: ['reason'],
    registers: [this.registry],
  })

  readonly limitedRequests = new Counter({
    name: 'chartroom_limited_requests_total',
    help: 'Requests answered with 429 (rate) or 503 (connections, requests, publishes), by the limit.',
    labelNames: ['reason'],
    registers: [this.registry],
  })

  readonly reloads = new Counter({
    name: 'chartroom_reloads_total',
    help: 'Readings of certificates, keys, CRLs and configuration while running, by outcome.',
    labelNames: ['input', 'outcome'],
    registers: [this.registry],
  })

  readonly expiry = new Gauge({
    name: 'chartroom_expiry_timestamp_seconds',
    help: 'When what is in force expires: server certificate, trust anchors, revocation lists, signing key.',
    labelNames: ['what'],
    aggregator: 'min',
    registers: [this.registry],
  })

  readonly droppedReads = new Counter({
    name: 'chartroom_audit_reads_dropped_total',
    help: 'Reads that are missing in the audit trail, because too many came at once or it could not be written.',
    registers: [this.registry],
  })

  readonly webhookDeliveries = new Counter({
    name: 'chartroom_webhook_deliveries_total',
    help: 'Attempts to tell a webhook of a change: delivered, failed (and tried again), dropped (and given up).',
    labelNames: ['outcome'],
    registers: [this.registry],
  })

  readonly webhookBacklog = new Gauge({
    name: 'chartroom_webhook_backlog',
    help: 'Changes that webhooks have still to be told of; 0 in a process that leaves it to another one.',
    aggregator: 'max',
    registers: [this.registry],
  })

  /** By labels: the library looks a labelled series up each time, which costs more than serving a small file. */
  readonly #requestSeries = new Map<string, RequestSeries>()

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  /** A request has been served, or its peer has left. */
  requestDone(labels: RequestLabels, seconds: number): void {
    const { method, route, status } = labels
    const key = `${method} ${status} ${route}`
    const series = this.#requestSeries.get(key) ?? this.#addSeries(key, labels)
    this.requestsInFlight.dec()
    series.count.inc()
    series.seconds.observe(seconds)
  }

  #addSeries(key: string, { method, route, status }: RequestLabels): RequestSeries {
    const series = {
      count: this.#requests.labels({ method, route, status }),
      seconds: this.#requestSeconds.labels({ route }),
    }
    this.#requestSeries.set(key, series)
    return series
  }
}

interface RequestLabels {
  readonly method: string
  readonly route: string
  readonly status: string
}

interface RequestSeries {
  readonly count: Counter.Internal
  readonly seconds: Histogram.Internal<'route'>
}
