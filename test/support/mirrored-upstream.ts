import { createHash } from 'node:crypto'
import { pino } from 'pino'
import { openMirror } from '../../src/app/open-mirror.ts'
import { openFetcher } from '../../src/app/pull-through.ts'
import { type AuditRecord } from '../../src/catalog/catalog.ts'
import { type OfferJudgement } from '../../src/catalog/offers.ts'
import { parseDigest } from '../../src/chart/digest.ts'
import { parseChartMetadata } from '../../src/chart/metadata.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { completeMirror } from '../../src/config/mirror.ts'
import { mirrorSchema } from '../../src/config/mirror-schema.ts'
import { type Mirror } from '../../src/mirror/mirror.ts'
import { PullThrough, type PullThroughDeps } from '../../src/mirror/pull-through.ts'
import { upstreamEntry } from '../../src/mirror/upstream-entry.ts'
import { Metrics } from '../../src/ops/metrics.ts'
import { BlobCache } from '../../src/repository/blob-cache.ts'
import { openArchive, type OpenDeps, type OpenedFile } from '../../src/repository/open-chart.ts'
import { type RepositorySettings } from '../../src/repository/settings.ts'
import { ArchiveReader } from '../../src/workers/archive-reader.ts'
import { chartYaml, type ChartSource } from './chart-builder.ts'
import { actorNow, authorise, defaultSettings, openEmbeddedStores, type EmbeddedStores } from './use-cases.ts'
import { UpstreamServer, type UpstreamAnswer } from './upstream-server.ts'

export const MIRROR = parseRepositoryName('mirror')

/** Of one archive. */
const MAX_ARCHIVE_BYTES = 1_000_000

type Settings = Readonly<Record<string, unknown>>

export interface Offering {
  /** What the index says; the archive's own, unless given, and nothing for `none`. */
  readonly digest?: string
  readonly urls?: readonly string[]
  readonly createdAt?: Date
  readonly judgement?: Partial<OfferJudgement>
}

/** The parts that fetch, with real stores and without a server, and an upstream whose every path answers as it is told to. */
export class MirroredUpstream {
  readonly stores: EmbeddedStores
  readonly server: UpstreamServer
  readonly metrics = new Metrics()
  readonly logLines: string[] = []
  /** What the clock says. */
  now = new Date()
  ensureFresh = async (): Promise<undefined> => Promise.resolve(undefined)
  repositorySettings: Partial<RepositorySettings> = {}
  readonly #archives = new ArchiveReader()
  readonly #pullThrough: PullThrough
  readonly #opening: OpenDeps
  readonly #pulling: PullThroughDeps
  #mirror: Mirror

  static async start(): Promise<MirroredUpstream> {
    const stores = await openEmbeddedStores()
    await stores.catalog.createRepository(MIRROR, actorNow())
    const server = await UpstreamServer.start()
    return new MirroredUpstream(stores, server, await mirrorOf(server), await defaultSettings())
  }

  private constructor(
    stores: EmbeddedStores,
    server: UpstreamServer,
    mirror: Mirror,
    settingsOf: Awaited<ReturnType<typeof defaultSettings>>,
  ) {
    this.stores = stores
    this.server = server
    this.#mirror = mirror
    const { catalog, blobs } = stores
    const fetcher = openFetcher({
      catalog,
      blobs,
      settingsOf: (name) => ({ ...settingsOf(name), ...this.repositorySettings }),
      archives: this.#archives,
      metrics: this.metrics,
      log: pino({ level: 'debug' }, { write: (line: string) => this.logLines.push(line) }),
      now: () => this.now,
    })
    const findMirror = (): Mirror => this.#mirror
    this.#pulling = { catalog, fetcher, findMirror, ensureFresh: async () => this.ensureFresh() }
    this.#pullThrough = new PullThrough(this.#pulling)
    const cache = new BlobCache(blobs, { maxBytes: 0, largestBytes: 0 })
    this.#opening = { catalog, blobs, cache, noteRead: () => undefined, offered: this.#pullThrough }
  }

  /** Opens the mirror anew, as a change of the configuration does. */
  async configure(upstream: Settings = {}, mirror: Settings = {}): Promise<void> {
    this.#mirror.close()
    this.#mirror = await mirrorOf(this.server, upstream, mirror)
  }

  /** Serves the archive, and knows of it as after a reading of the index. Returns its file name. */
  async offer(source: ChartSource, archive: Buffer, offering: Offering = {}): Promise<string> {
    const metadata = parseChartMetadata(chartYaml(source))
    const digest = offering.digest ?? createHash('sha256').update(archive).digest('hex')
    const at = `/charts/${metadata.name}-${metadata.version}.tgz`
    const entry = upstreamEntry(metadata, {
      urls: offering.urls ?? [this.server.url(at).href],
      digest: digest === 'none' ? undefined : parseDigest(digest),
      createdAt: offering.createdAt,
    })
    const { offers } = this.stores.catalog
    await offers.openUpstream(MIRROR, { name: 'up', url: this.server.url('').href, listed: true }, actorNow())
    const judgement: OfferJudgement = {
      state: 'open',
      heldUntil: undefined,
      agesFrom: this.now,
      ...offering.judgement,
    }
    await offers.recordOffers(MIRROR, 'up', [{ kind: 'offered', entry, judgement, isNew: true }], actorNow())
    this.serve(at, (response) => response.end(archive))
    return entry.filename
  }

  serve(path: string, answer: UpstreamAnswer): void {
    this.server.answers = { ...this.server.answers, [path]: answer }
  }

  /** As a request for the archive does, by somebody who may do everything. */
  async open(filename: string): Promise<OpenedFile> {
    return openArchive(this.#opening, authorise('read', MIRROR), { filename, actor: actorNow() })
  }

  /** What another process does that serves the same storage. */
  async openElsewhere(filename: string): Promise<OpenedFile> {
    const elsewhere = new PullThrough(this.#pulling)
    return openArchive({ ...this.#opening, offered: elsewhere }, authorise('read', MIRROR), {
      filename,
      actor: actorNow(),
    })
  }

  /** The newest first, those of making the repository left out. */
  async audit(): Promise<readonly AuditRecord[]> {
    const rows = await this.stores.catalog.listAudit({ limit: 1000 })
    return rows.filter(({ action }) => action !== 'create-repository')
  }

  /** By outcome, without those that are 0. */
  async fetches(): Promise<Readonly<Record<string, number>>> {
    const { values } = await this.metrics.mirrors.fetches.total.get()
    return Object.fromEntries(values.map(({ labels, value }) => [String(labels.outcome), value]))
  }

  requestsFor(path: string): number {
    return this.server.requests.filter(({ url }) => url === path).length
  }

  /** As a server that shuts down does. */
  async interrupt(): Promise<void> {
    await this.#pullThrough.close()
  }

  async close(): Promise<void> {
    await this.interrupt()
    this.#mirror.close()
    await this.server.close()
    await this.#archives.close()
    await this.stores.close()
  }
}

async function mirrorOf(
  server: UpstreamServer,
  upstream: Settings = {},
  mirror: Settings = {},
): Promise<Mirror> {
  const section = mirrorSchema.parse({
    ...mirror,
    upstreams: [
      {
        name: 'up',
        url: server.url('').href.replace(/\/$/, ''),
        insecure: server.url('').protocol === 'http:',
        privateAddresses: ['127.0.0.0/8'],
        ...upstream,
      },
    ],
  })
  const config = completeMirror(section, (path) => path, MAX_ARCHIVE_BYTES)
  return openMirror(MIRROR, config, { userAgent: 'chartroom/test', now: () => new Date() })
}
