import { AggregatorRegistry, type PrometheusContentType, type Registry } from 'prom-client'
import { type MetricsList } from './messages.ts'

/** What several processes count, as if it were one. A total never falls, also when one of them ends. */
export class MergedMetrics {
  readonly #latest = new Map<number, MetricsList>()
  /** The totals of the processes that are gone. */
  #ended: MetricsList = []

  /** Of a process that does not answer, what it said last counts. */
  note(pid: number, metrics: MetricsList): void {
    this.#latest.set(pid, metrics)
  }

  ended(pid: number): void {
    const totals = (this.#latest.get(pid) ?? []).filter(({ type }) => TOTALS.has(String(type)))
    this.#latest.delete(pid)
    this.#ended = aggregate([this.#ended, totals]).getMetricsAsArray() as unknown as MetricsList
  }

  async render(own: MetricsList): Promise<string> {
    return aggregate([own, this.#ended, ...this.#latest.values()]).metrics()
  }
}

/** What Prometheus takes for a new start when it falls. The others say how things are now. */
const TOTALS: ReadonlySet<string> = new Set(['counter', 'histogram', 'summary'])

function aggregate(lists: readonly MetricsList[]): Registry {
  return AggregatorRegistry.aggregate<PrometheusContentType>([...lists])
}
