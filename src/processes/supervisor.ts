import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type Logger } from 'pino'
import { fixedSettings } from '../app/reloading.ts'
import { type Serving } from '../app/server.ts'
import { type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { listen } from '../http/listen.ts'
import { OpsServer } from '../http/ops-server.ts'
import { MergedMetrics } from './merged-metrics.ts'
import { mergeReadiness, type MergedReadiness } from './merged-readiness.ts'
import { type MetricsList } from './messages.ts'
import { PULSE, watchPulse, type Pulse } from './pulse.ts'
import { RestartPause } from './restart-pause.ts'
import { SupervisorMetrics } from './supervisor-metrics.ts'
import { type Exit, WorkerProcess } from './worker-process.ts'

export interface SupervisorDeps {
  readonly config: Config
  /** From which the workers load the same configuration. */
  readonly flags: ConfigFlags
  readonly log: Logger
  /** How a worker is found to be hung. */
  readonly pulse?: Pulse
}

/** Beyond `shutdown.drain`, for the end of what is not a request. */
const CLOSING_MS = 5000

/**
 * Several processes that serve on one port. The supervisor serves nobody but the probes: it starts the workers, replaces
 * those that end, and speaks for all of them.
 */
export class Supervisor implements Serving {
  readonly #deps: SupervisorDeps
  readonly #workers = new Set<WorkerProcess>()
  readonly #metrics = new SupervisorMetrics(() => this.#serving.length)
  readonly #merged = new MergedMetrics()
  readonly #stop = new AbortController()
  readonly #killAll = (): void => {
    for (const worker of this.#workers) worker.kill()
  }
  #places: Promise<void>[] = []
  #ops: OpsServer | undefined
  #port: number

  private constructor(deps: SupervisorDeps) {
    this.#deps = deps
    this.#port = deps.config.listen.port
    // A process that ends without draining leaves nobody behind.
    process.on('exit', this.#killAll)
  }

  /** Resolves once all serve. Throws what the first one that cannot start has said. */
  static async start(deps: SupervisorDeps): Promise<Supervisor> {
    const { listen: address } = deps.config
    if (address.port !== 0) await checkFree(address)
    const supervisor = new Supervisor(deps)
    try {
      await supervisor.#open()
      return supervisor
    } catch (error) {
      supervisor.#killAll()
      await supervisor.close()
      throw error
    }
  }

  get port(): number {
    return this.#port
  }

  get opsPort(): number | undefined {
    return this.#ops?.port
  }

  reload(): Promise<void> {
    for (const worker of this.#workers) worker.reload()
    return Promise.resolve()
  }

  async close(): Promise<void> {
    this.#stop.abort()
    for (const worker of this.#workers) worker.drain()
    const deadline = setTimeout(this.#killAll, this.#deps.config.shutdown.drain + CLOSING_MS)
    await Promise.all([...this.#workers].map(({ exited }) => exited))
    await Promise.all(this.#places)
    clearTimeout(deadline)
    await this.#ops?.close()
    process.off('exit', this.#killAll)
  }

  get #serving(): readonly WorkerProcess[] {
    return [...this.#workers].filter(({ serves }) => serves)
  }

  async #open(): Promise<void> {
    const { config, log } = this.#deps
    if (config.ops !== 'off') {
      const isDraining = (): boolean => this.#isDraining()
      const readiness = (): Promise<MergedReadiness> => this.#readiness()
      const metrics = (): Promise<string> => this.#renderMetrics()
      this.#ops = await OpsServer.listen({ log, metrics, readiness, isDraining }, config.ops)
    }
    // Alone: it brings the catalog up to date for all, and learns the port where any would do.
    const first = this.#start()
    this.#port = await first.serving
    const others = Array.from({ length: config.workers - 1 }, () => this.#start())
    await Promise.all(others.map(({ serving }) => serving))
    this.#places = [first, ...others].map((worker) => this.#keepPlace(worker))
  }

  #start(): WorkerProcess {
    const { config, flags, log } = this.#deps
    const held = { settings: fixedSettings(config), port: this.#port }
    const worker = new WorkerProcess({ kind: 'start', flags, held })
    this.#workers.add(worker)
    worker.exited
      .finally(() => {
        this.#workers.delete(worker)
        this.#merged.ended(worker.pid ?? 0)
      })
      .catch(() => undefined)
    worker.serving.then(
      () => {
        log.info({ pid: worker.pid }, 'a worker serves')
        void this.#endIfHung(worker)
      },
      () => undefined,
    )
    return worker
  }

  /** Nothing else would end it, and its share of the connections would wait in vain. */
  async #endIfHung(worker: WorkerProcess): Promise<void> {
    const { pulse = PULSE, log } = this.#deps
    if ((await watchPulse(worker, pulse, this.#stop.signal)) === 'ended') return
    const unansweredMs = pulse.everyMs * pulse.mostMissed
    log.error({ pid: worker.pid, unansweredMs }, 'a worker does not answer and is killed')
    worker.kill()
  }

  /** Puts another one in the place of each that ends. */
  async #keepPlace(first: WorkerProcess): Promise<void> {
    const pause = new RestartPause()
    for (let worker = first; ;) {
      const since = performance.now()
      const exit = await worker.exited
      if (this.#isDraining()) return
      const pauseMs = pause.next(performance.now() - since)
      await this.#tellEnd(worker, exit, pauseMs)
      // Rejects when the drain begins.
      await delay(pauseMs, undefined, { signal: this.#stop.signal }).catch(() => undefined)
      if (this.#isDraining()) return
      worker = this.#start()
    }
  }

  async #tellEnd({ pid, serving }: WorkerProcess, exit: Exit, pauseMs: number): Promise<void> {
    this.#metrics.restarts.inc()
    const err: unknown = await serving.then(
      () => undefined,
      (error: unknown) => error,
    )
    this.#deps.log.error({ pid, ...exit, pauseMs, err }, 'a worker ended and is replaced')
  }

  #isDraining(): boolean {
    return this.#stop.signal.aborted
  }

  async #readiness(): Promise<MergedReadiness> {
    const answers = await Promise.all(this.#serving.map((worker) => worker.askReadiness()))
    return mergeReadiness(this.#deps.config.workers, answers)
  }

  async #renderMetrics(): Promise<string> {
    await Promise.all(this.#serving.map((worker) => this.#noteMetrics(worker)))
    const own: MetricsList = await this.#metrics.list()
    return `${await this.#merged.render(own)}\n${await this.#metrics.startTime()}\n`
  }

  async #noteMetrics(worker: WorkerProcess): Promise<void> {
    const metrics = await worker.askMetrics()
    if (metrics !== undefined && worker.serves) this.#merged.note(worker.pid ?? 0, metrics)
  }
}

/** Since workers share their port, the kernel would let them share it with another server too. Throws `unavailable`. */
async function checkFree(address: { readonly host: string; readonly port: number }): Promise<void> {
  const probe = createServer()
  await listen(probe, address)
  await new Promise((resolve) => probe.close(resolve))
}
