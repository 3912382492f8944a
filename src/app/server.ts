import { type Logger } from 'pino'
import { ROOT_REPOSITORY } from '../chart/repository-name.ts'
import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { type Config } from '../config/load.ts'
import { AppError } from '../errors.ts'
import { createExpressListener } from '../http/express-app.ts'
import { createListener } from '../http/listener.ts'
import { MtlsServer } from '../http/mtls-server.ts'
import { OpsServer } from '../http/ops-server.ts'
import { routes } from '../http/routes.ts'
import { BoundedLog } from '../ops/bounded-log.ts'
import { Closers } from '../ops/close.ts'
import { Metrics } from '../ops/metrics.ts'
import { Policy } from '../policy/policy.ts'
import { IndexCache } from '../repository/index-cache.ts'
import { readRepositorySettings } from './repository-settings.ts'
import { openStores } from './stores.ts'
import { readAnchors, readEndpoint } from './tls-material.ts'
import { readVersion } from './version.ts'

export interface RunningServer {
  /** Of the mTLS listener. */
  readonly port: number
  /** Of the ops listener; `undefined` when it is off. */
  readonly opsPort: number | undefined
  /** Drains, then closes everything. */
  close(): Promise<void>
}

export interface ServerDeps {
  readonly log: Logger
  readonly now: () => Date
}

/** The composition root: configuration → adapters → use-cases → listeners. Throws what makes serving impossible. */
export async function startServer(config: Config, { log, now }: ServerDeps): Promise<RunningServer> {
  requireGrants(config)
  const endpoint = await readEndpoint(config.tls, now())
  const tls = { ...endpoint, anchors: await readAnchors(config.tls.clientCAs, now()) }
  const settingsOf = await readRepositorySettings(config)
  const closers = new Closers()
  try {
    const { catalog, blobs } = await openStores(config.storage, closers)
    await createRepositories(catalog, config, now())
    const policy = new Policy(config.grants)
    const metrics = new Metrics()
    const peerLog = new BoundedLog(log, now)
    const deps = {
      catalog,
      blobs,
      settingsOf,
      indexes: new IndexCache(catalog),
      uploads: config.uploads,
      policyInForce: () => policy,
      version: await readVersion(),
      log,
    }
    const checks = { catalog: () => catalog.check(), blobs: () => blobs.check() }
    const ops =
      config.ops === 'off' ? undefined : await OpsServer.listen({ metrics, log, checks }, config.ops)
    if (ops !== undefined) closers.add(ops)
    const listener = createListener(
      { anchorsInForce: () => tls.anchors, now, log, peerLog, metrics },
      createExpressListener(deps, routes(deps)),
    )
    const options = { ...config.listen, tls, drainMs: config.shutdown.drain }
    const server = closers.add(await MtlsServer.listen({ metrics, peerLog }, options, listener))
    return { port: server.port, opsPort: ops?.port, close: () => closers.close() }
  } catch (error) {
    await closers.close()
    throw error
  }
}

/** The root repository always exists; others by configuration are there from the first start on. */
async function createRepositories(catalog: Catalog, { repositories }: Config, at: Date): Promise<void> {
  const actor: Actor = { who: 'configuration', from: 'local', requestId: 'start', at }
  const names = new Set([ROOT_REPOSITORY, ...repositories.map(({ name }) => name)])
  for (const name of names) {
    if ((await catalog.findRepository(name)) === undefined) await catalog.createRepository(name, actor)
  }
}

function requireGrants({ grants, file }: Config): void {
  if (grants.length > 0) return
  const where = file === undefined ? 'there is no chartroom.yaml' : `${file} has no grants under "access"`
  throw new AppError(
    'config-invalid',
    `${where}, so nobody could do anything; "chartroom init" writes a first one`,
  )
}
