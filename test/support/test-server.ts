import { pino } from 'pino'
import { startServer, type RunningServer } from '../../src/app/server.ts'
import { loadConfig, type Config } from '../../src/config/load.ts'
import { agentOf, exchange, type Reply, type RequestOptions } from './exchange.ts'
import { Installation, type InstallationOptions } from './installation.ts'
import { type TestCa, type TestPeer } from './test-ca.ts'

export { jsonOf, type Reply, type RequestOptions } from './exchange.ts'

/** The production server on free ports, with its own temporary folder, trust anchor and peers. */
export class TestServer {
  readonly config: Config
  /** What the server logged, a JSON line each. */
  readonly logLines: readonly string[]
  readonly #installation: Installation
  readonly #running: RunningServer
  readonly #now: () => Date

  private constructor(parts: {
    installation: Installation
    config: Config
    running: RunningServer
    logLines: readonly string[]
    now: () => Date
  }) {
    this.#installation = parts.installation
    this.config = parts.config
    this.#running = parts.running
    this.logLines = parts.logLines
    this.#now = parts.now
  }

  static async start({ now = () => new Date(), ...options }: TestServerOptions = {}): Promise<TestServer> {
    return TestServer.#startIn(await Installation.create(options), now)
  }

  static async #startIn(installation: Installation, now: () => Date): Promise<TestServer> {
    const load = async (): Promise<Config> => loadConfig({ config: installation.configFile }, {})
    const config = await load()
    const logLines: string[] = []
    const log = pino({ level: 'debug' }, { write: (line: string) => logLines.push(line) })
    const running = await startServer(load, { log, now })
    return new TestServer({ installation, config, running, logLines, now })
  }

  get folder(): string {
    return this.#installation.folder
  }

  get ca(): TestCa {
    return this.#installation.ca
  }

  get port(): number {
    return this.#running.port
  }

  get opsUrl(): string {
    return `http://127.0.0.1:${this.#running.opsPort ?? 0}`
  }

  get url(): string {
    return `https://localhost:${this.port}`
  }

  /** The name that the default grants give every action. */
  async admin(): Promise<TestPeer> {
    return this.#installation.admin()
  }

  async publisher(): Promise<TestPeer> {
    return this.#installation.publisher()
  }

  async reader(): Promise<TestPeer> {
    return this.#installation.reader()
  }

  /** One request on a connection of its own, as Helm makes them. */
  async request(
    peer: TestPeer | undefined,
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<Reply> {
    const agent = agentOf(this.ca.certificatePem, peer, 'used once')
    try {
      return await exchange(agent, method, `${this.url}${path}`, options)
    } finally {
      agent.destroy()
    }
  }

  /** As on SIGHUP. */
  async reload(): Promise<void> {
    await this.#running.reload()
  }

  async stop(): Promise<void> {
    await this.#running.close()
  }

  /** Another one in its folder, once it has been stopped. */
  async startAgain(): Promise<TestServer> {
    return TestServer.#startIn(this.#installation, this.#now)
  }

  /** Stops and removes everything. */
  async close(): Promise<void> {
    await this.stop()
    await this.#installation.remove()
  }
}

export interface TestServerOptions extends InstallationOptions {
  readonly now?: () => Date
}
