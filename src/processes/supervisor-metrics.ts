import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client'
import { type MetricsList } from './messages.ts'

/** What the supervisor itself counts, and what it takes of the machine. */
export class SupervisorMetrics {
  readonly #registry = new Registry()
  readonly restarts = new Counter({
    name: 'chartroom_worker_restarts_total',
    help: 'Workers that ended by themselves and were replaced.',
    registers: [this.#registry],
  })

  constructor(serving: () => number) {
    new Gauge({
      name: 'chartroom_workers',
      help: 'Processes that serve.',
      registers: [this.#registry],
      collect() {
        this.set(serving())
      },
    })
    collectDefaultMetrics({ register: this.#registry })
  }

  /** To be added to what the workers say. Their event loops and heaps are told without this idle one's. */
  async list(): Promise<MetricsList> {
    const all = await this.#registry.getMetricsAsJSON()
    return all.filter(({ name }) => /^(?:chartroom|process)_/.test(name))
  }

  /** As text: adding up does not work for it. */
  async startTime(): Promise<string> {
    return this.#registry.getSingleMetricAsString('process_start_time_seconds')
  }
}
