import { type Logger } from 'pino'
import { ROOT_REPOSITORY, type RepositoryName } from '../chart/repository-name.ts'
import { type Actor, type Catalog } from '../catalog/catalog.ts'
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
import { BoundedLog } from '../ops/bounded-log.ts'
import { Closers } from '../ops/close.ts'
import { ExpiryWatch } from '../ops/expiry-watch.ts'
import { Metrics } from '../ops/metrics.ts'
import { BlobCache } from '../repository/blob-cache.ts'
import { IndexCache } from '../repository/index-cache.ts'
import { warnOfExpiringKeys } from './expiring-keys.ts'
import { keepAudit } from './audit.ts'
import { Inputs } from './inputs.ts'
import { LastSeen } from './last-seen.ts'
import { readOwnCrl } from './own-crl.ts'
import { Reloading } from './reloading.ts'
import { Revocations } from './revocations.ts'
import { openStores, type Stores } from './stores.ts'
import { readVersion } from './version.ts'
import { keepWebhooks } from './webhooks.ts'

export interface RunningServer {
  /** Of the mTLS listener. */
  readonly port: number
  /** Of the ops listener; `undefined` when it is off. */
  readonly opsPort: number | undefined
  /** Reads certificates, keys and configuration again, as a change of their files does. */
  reload(): Promise<void>
  /** Drains, then closes everything. */
  close(): Promise<void>
}

export interface ServerDeps {
  readonly log: Logger
  readonly now: () => Date
}

/** The composition root: configuration → adapters → use-cases → listeners. Throws what makes serving impossible. */
export async function startServer(
  loadConfig: () => Promise<Config>,
  { log, now }: ServerDeps,
): Promise<RunningServer> {
  const metrics = new Metrics()
  const inputs = await Inputs.open({ loadConfig, log, metrics, now })
  await warnOfExpiringKeys(inputs.config, log)
  const base: Base = { inputs, closers: new Closers(), metrics, log, now, state: { draining: false } }
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
  readonly state: { draining: boolean }
}

async function open(base: Base): Promise<RunningServer> {
  const { inputs, closers, metrics, log, now, state } = base
  const stores = await openStores(inputs.config.storage, closers)
  await createRepositories(stores.catalog, inputs.config, now())
  const ops = await listenForOps(base, stores)
  const peers = await openPeers(base, stores)
  const server = await listenForPeers(base, stores, peers)
  const expiry = closers.add(new ExpiryWatch({ expiries: () => inputs.expiries, log, metrics, now }))
  keepWebhooks({ catalog: stores.catalog, config: () => inputs.config, metrics, log, now }, closers)
  const reloading = closers.add(new Reloading(inputs, { server, peers, expiry, log }))
  return {
    port: server.port,
    opsPort: ops?.port,
    reload: () => reloading.reload(),
    close: () => {
      state.draining = true
      return closers.close()
    },
  }
}

/** Opened first and closed last: probes see the whole of a start and of a drain. */
async function listenForOps(
  { inputs, closers, metrics, log, state }: Base,
  { catalog, blobs }: Stores,
): Promise<OpsServer | undefined> {
  const { ops } = inputs.config
  if (ops === 'off') return undefined
  const checks = { catalog: () => catalog.check(), blobs: () => blobs.check() }
  const deps = { metrics, log, checks, inputs: () => inputs.statuses, isDraining: () => state.draining }
  return closers.add(await OpsServer.listen(deps, ops))
}

async function openPeers({ inputs, closers, log, now }: Base, { catalog }: Stores): Promise<Peers> {
  const revocations = closers.add(await Revocations.open({ catalog, lists: () => inputs.lists, log }))
  const peers = new Peers(inputs.tls.anchors, { revocations, now })
  revocations.watch(() => {
    peers.dismissRefused()
  })
  return peers
}

async function listenForPeers(base: Base, stores: Stores, peers: Peers): Promise<MtlsServer> {
  const { inputs, closers, metrics, log, now } = base
  const useCases = await openUseCases(base, stores)
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
  const options = { ...listenerOptions(inputs.config), tls: inputs.tls }
  return closers.add(await MtlsServer.listen({ addresses, metrics, peerLog }, options, listener))
}

function createVerifiedListener(deps: RouteDeps & ServeDeps): VerifiedListener {
  const table = routes(deps)
  return createFrequentListener(deps, table, createExpressListener(deps, table))
}

/** What the routes need; what may change while the server runs is asked for anew each time. */
async function openUseCases(
  { inputs, closers, metrics, log, now }: Base,
  { catalog, blobs }: Stores,
): Promise<RouteDeps & ServeDeps> {
  const { certs, contextPath, cache, limits } = inputs.config
  return {
    catalog,
    blobs,
    cache: new BlobCache(blobs, { maxBytes: cache.bytes, largestBytes: cache.largest }),
    settingsOf: (repository: RepositoryName) => inputs.settingsOf(repository),
    indexes: new IndexCache(catalog, contextPath),
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

function listenerOptions({ listen, shutdown, proxyProtocol, limits }: Config): Omit<MtlsServerOptions, 'tls'> {
  return { ...listen, drainMs: shutdown.drain, proxies: proxyProtocol.from, limits }
}

/** The root repository always exists; others by configuration are there from the first start on. */
async function createRepositories(catalog: Catalog, { repositories }: Config, at: Date): Promise<void> {
  const actor: Actor = { who: 'configuration', from: 'local', requestId: 'start', at }
  const listed = repositories.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
  const names = new Set([ROOT_REPOSITORY, ...listed])
  for (const name of names) {
    if ((await catalog.findRepository(name)) === undefined) await catalog.createRepository(name, actor)
  }
}
