import { createHash } from 'node:crypto'
import { chart, type ChartSource } from './chart-builder.ts'
import { UpstreamServer, type UpstreamAnswer } from './upstream-server.ts'

/** A public repository as there are many: an index and packages over plain HTTP, and nobody asks who you are. */
export class ChartUpstream {
  readonly server: UpstreamServer
  readonly #entries: Readonly<Record<string, unknown>>[] = []

  static async start(): Promise<ChartUpstream> {
    return new ChartUpstream(await UpstreamServer.start())
  }

  private constructor(server: UpstreamServer) {
    this.server = server
    this.#serveIndex()
  }

  /** Publishes it there; `entry` is merged over what the index says of it. */
  async add(source: ChartSource = {}, entry: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const { name = 'demo', version = '0.1.0', metadata = {} } = source
    const archive = await chart(source)
    const path = `/${name}-${version}.tgz`
    const digest = createHash('sha256').update(archive).digest('hex')
    const urls = [path.slice(1)]
    this.#entries.push({ apiVersion: 'v2', name, version, ...metadata, urls, digest, ...entry })
    this.answer(path, (response) => response.end(archive))
    this.#serveIndex()
  }

  /** Leaves its file where it is, as public repositories do. */
  remove(name: string, version: string): void {
    const place = this.#entries.findIndex((entry) => entry['name'] === name && entry['version'] === version)
    this.#entries.splice(place, 1)
    this.#serveIndex()
  }

  /** As an upstream that rebuilds what it has published. */
  claimDigest(name: string, version: string, digest: string): void {
    const place = this.#entries.findIndex((entry) => entry['name'] === name && entry['version'] === version)
    this.#entries.splice(place, 1, { ...this.#entries[place], digest })
    this.#serveIndex()
  }

  answer(path: string, answer: UpstreamAnswer): void {
    this.server.answers = { ...this.server.answers, [path]: answer }
  }

  /** The archives that it was asked for, in order. */
  get archiveRequests(): readonly string[] {
    return this.server.requests.flatMap(({ url = '' }) => (url.endsWith('.tgz') ? [url.slice(1)] : []))
  }

  /** As under `mirror.upstreams` of chartroom.yaml. */
  settings(settings: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
    return {
      name: 'up',
      url: this.server.url('').href.replace(/\/$/, ''),
      insecure: true,
      privateAddresses: ['127.0.0.0/8'],
      ...settings,
    }
  }

  async close(): Promise<void> {
    await this.server.close()
  }

  #serveIndex(): void {
    const entries = Object.groupBy(this.#entries, ({ name }) => String(name))
    const index = JSON.stringify({ apiVersion: 'v1', entries })
    this.answer('/index.yaml', (response) => response.end(index))
  }
}
