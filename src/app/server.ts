import { type Logger } from 'pino'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type Config } from '../config/load.ts'
import { Admission } from '../http/admission.ts'
import { createExpressListener } from '../http/express-app.ts'
import { createFrequentListener } from '../http/frequent-routes.ts'
import { createListener, type VerifiedListener } from '../http/listener.ts'
import { MtlsServer, type MtlsServerOptions } from '../http/mtls-server.ts'
import { OpsServer } from '../http/ops-server.ts'
import { PeerAddresses } from '../http/peer-addresses.ts'
import { type VerifiedPeer } from '../http/peer.ts'
import { Peers } from '../http/peers.ts'
import { PublishSlots } from '../http/publish-slots.ts'
import { routes, type RouteDeps } from '../http/routes.ts'
import { type ServeDeps } from '../http/serve.ts'
import { type Mirror } from '../mirror/mirror.ts'
import { BoundedLog } from '../ops/bounded-log.ts'
import { Closers } from '../ops/close.ts'
import { ExpiryWatch } from '../ops/expiry-watch.ts'
import { Metrics } from '../ops/metrics.ts'
import { checkReadiness, type Readiness } from '../ops/readiness.ts'
import { BlobCache } from '../repository/blob-cache.ts'
import { IndexCache } from '../repository/index-cache.ts'
import { type RepositorySettings } from '../repository/settings.ts'
import { VirtualRepositories } from '../repository/virtual-repositories.ts'
import { ArchiveReader } from '../workers/archive-reader.ts'
import { warnOfExpiringKeys } from './expiring-keys.ts'
import { keepAudit } from './audit.ts'
import { Inputs } from './inputs.ts'
import { LastSeen } from './last-seen.ts'
import { keepMirrorsSynced } from './mirror-syncs.ts'
import { Mirrors } from './mirrors.ts'
import { readOwnCrl } from './own-crl.ts'
import { openPullThrough } from './pull-through.ts'
import { Reloading } from './reloading.ts'
import { Revocations } from './revocations.ts'
import { openRepositories } from './open-repositories.ts'
import { openStores, type Stores } from './stores.ts'
import { keepMirrorsFresh } from './refreshing.ts'
import { readVersion } from './version.ts'
import { warmInBackground } from './warm-indexes.ts'
import { keepWebhooks } from './webhooks.ts'

/** What is served, by one process or by several. */
export interface Serving {
  /** Of the mTLS listener. */
  readonly port: number
  /** Of the ops listener; `undefined` when it is off. */
  readonly opsPort: number | undefined
  /** Reads certificates, keys and configuration again, as a change of their files does. */
  reload(): Promise<void>
  /** Drains, then closes everything. */
  close(): Promise<void>
}

export interface RunningServer extends Serving {
  readonly metrics: Metrics
  readonly readiness: () => Promise<Readiness>
}

export interface ServerDeps {
  readonly log: Logger
  readonly now: () => Date
  /** Whether other processes serve on the same port. */
  readonly reusePort?: boolean
}

/** The composition root: configuration → adapters → use-cases → listeners. Throws what makes serving impossible. */
export async function startServer(
  loadConfig: () => Promise<Config>,
  { log, now, reusePort = false }: ServerDeps,
): Promise<RunningServer> {
  const metrics = new Metrics()
  const inputs = await Inputs.open({ loadConfig, log, metrics, now })
  await warnOfExpiringKeys(inputs.config, log)
  const state = { draining: false }
  const base: Base = { inputs, closers: new Closers(), metrics, log, now, reusePort, state }
  try {
    return await open(base)
  } catch (error) {
    await base.closers.close()
    throw error
  }
}

/** What all parts of a running server share. */
interface Base extends ServerDeps {
  readonly inputs: Inputs
  readonly closers: Closers
  readonly metrics: Metrics
  readonly reusePort: boolean
  readonly state: { draining: boolean }
}

async function open(base: Base): Promise<RunningServer> {
  const { inputs, closers, metrics, log, now, state } = base
  const stores = await openStores(inputs.config.storage, closers)
  await openRepositories(stores.catalog, inputs.config, now())
  inputs.admitBy((config) => openRepositories(stores.catalog, config, now(), inputs.config))
  const readiness = (): Promise<Readiness> => readinessOf(base, stores)
  const ops = await listenForOps(base, readiness)
  const peers = await openPeers(base, stores)
  const mirrors = await openMirrors(base)
  const server = await listenForPeers(base, stores, { peers, mirrors })
  const expiry = closers.add(new ExpiryWatch({ expiries: () => inputs.expiries, log, metrics, now }))
  keepWebhooks({ catalog: stores.catalog, config: () => inputs.config, metrics, log, now }, closers)
  const reloading = closers.add(new Reloading(inputs, { server, peers, mirrors, expiry, log }))
  return {
    port: server.port,
    opsPort: ops?.port,
    metrics,
    readiness,
    reload: () => reloading.reload(),
    close: () => {
      state.draining = true
      return closers.close()
    },
  }
}

function readinessOf({ inputs, log }: Base, { catalog, blobs }: Stores): Promise<Readiness> {
  const checks = { catalog: () => catalog.check(), blobs: () => blobs.check() }
  return checkReadiness({ log, checks, inputs: () => inputs.statuses })
}

/** Opened first and closed last: probes see the whole of a start and of a drain. */
async function listenForOps(
  { inputs, closers, metrics, log, state }: Base,
  readiness: () => Promise<Readiness>,
): Promise<OpsServer | undefined> {
  const { ops } = inputs.config
  if (ops === 'off') return undefined
  const text = (): Promise<string> => metrics.registry.metrics()
  const deps = { metrics: text, readiness, log, isDraining: () => state.draining }
  return closers.add(await OpsServer.listen(deps, ops))
}

async function openMirrors({ inputs, closers, log, now }: Base): Promise<Mirrors> {
  const userAgent = `chartroom/${await readVersion()}`
  return closers.add(await Mirrors.open({ config: () => inputs.config, userAgent, log, now }))
}

async function openPeers({ inputs, closers, log, now }: Base, { catalog }: Stores): Promise<Peers> {
  const revocations = closers.add(await Revocations.open({ catalog, lists: () => inputs.lists, log }))
  const peers = new Peers(inputs.tls.anchors, { revocations, now })
  revocations.watch(() => {
    peers.dismissRefused()
  })
  return peers
}

async function listenForPeers(
  base: Base,
  stores: Stores,
  { peers, mirrors }: { readonly peers: Peers; readonly mirrors: Mirrors },
): Promise<MtlsServer> {
  const { inputs, closers, metrics, log, now } = base
  const useCases = await openUseCases(base, stores, mirrors)
  const peerLog = new BoundedLog(log, now)
  const addresses = new PeerAddresses()
  const lastSeen = new LastSeen({ catalog: stores.catalog, log, now })
  const seen = (peer: VerifiedPeer): void => {
    lastSeen.note(peer)
  }
  const { limits } = inputs.config
  const admission = closers.add(new Admission({ metrics, log }, limits))
  const listener = createListener(
    { peers, addresses, seen, now, log, peerLog, metrics },
    admission.within(createVerifiedListener(useCases)),
  )
  const options = { ...listenerOptions(inputs.config), tls: inputs.tls, reusePort: base.reusePort }
  const server = closers.add(await MtlsServer.listen({ addresses, metrics, peerLog }, options, listener))
  warmInBackground(useCases, closers)
  return server
}

function createVerifiedListener(deps: RouteDeps & ServeDeps): VerifiedListener {
  const table = routes(deps)
  return createFrequentListener(deps, table, createExpressListener(deps, table))
}

/** What the routes need; what may change while the server runs is asked for anew each time. */
async function openUseCases(
  { inputs, closers, metrics, log, now }: Base,
  { catalog, blobs }: Stores,
  mirrors: Mirrors,
): Promise<RouteDeps & ServeDeps> {
  const { certs, contextPath, cache, limits } = inputs.config
  const settingsOf = (repository: RepositoryName): RepositorySettings => inputs.settingsOf(repository)
  const indexes = new IndexCache(catalog, contextPath)
  const archives = closers.add(new ArchiveReader())
  const ensureFresh = keepMirrorsFresh({ catalog, settingsOf, metrics, log, now }, mirrors, closers)
  const findMirror = (repository: RepositoryName): Mirror | undefined => mirrors.find(repository)
  const { offered, fetcher } = openPullThrough(
    { catalog, blobs, settingsOf, archives, metrics, log, now, findMirror, ensureFresh },
    closers,
  )
  const syncing = { catalog, settingsOf, metrics, log, now, fetcher }
  const syncs = keepMirrorsSynced(syncing, mirrors, closers)
  return {
    catalog,
    blobs,
    cache: new BlobCache(blobs, { maxBytes: cache.bytes, largestBytes: cache.largest }),
    settingsOf,
    archives,
    offered,
    findMirror,
    syncs,
    ensureFresh,
    indexes,
    virtual: new VirtualRepositories({ catalog, indexes, settingsOf, ensureFresh }),
    contextPath,
    uploads: () => inputs.config.uploads,
    publishSlots: new PublishSlots({ metrics }, limits),
    policyInForce: () => inputs.policy,
    noteRead: keepAudit({ catalog, settings: () => inputs.config.audit, log, metrics, now }, closers),
    ownCrl: () => readOwnCrl(certs),
    version: await readVersion(),
    log,
  }
}

function listenerOptions({
  listen,
  shutdown,
  proxyProtocol,
  limits,
}: Config): Omit<MtlsServerOptions, 'tls'> {
  return { ...listen, drainMs: shutdown.drain, proxies: proxyProtocol.from, limits }
}
