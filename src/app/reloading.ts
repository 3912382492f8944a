import { type Logger } from 'pino'
import { type Config } from '../config/load.ts'
import { type MtlsServer } from '../http/mtls-server.ts'
import { type Peers } from '../http/peers.ts'
import { type ExpiryWatch } from '../ops/expiry-watch.ts'
import { FileWatch } from '../ops/watch-files.ts'
import { type Inputs } from './inputs.ts'
import { type Mirrors } from './mirrors.ts'

export interface ReloadingDeps {
  readonly server: MtlsServer
  readonly peers: Peers
  readonly mirrors: Pick<Mirrors, 'reload'>
  readonly expiry: ExpiryWatch
  readonly log: Logger
}

/** Settings that take a restart, by their path. */
const FIXED = [
  'listen',
  'proxyProtocol',
  'ops',
  'contextPath',
  'workers',
  'storage',
  'shutdown',
  'limits',
] as const

export type FixedSettings = Pick<Config, (typeof FIXED)[number]>

export function fixedSettings(config: Config): FixedSettings {
  return Object.fromEntries(FIXED.map((name) => [name, config[name]])) as unknown as FixedSettings
}

/** Their names. */
export function changedFixedSettings(before: FixedSettings, now: FixedSettings): readonly string[] {
  return FIXED.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name]))
}

/** Puts into force what changes in the inputs' files, or on demand. No connection that may stay is touched. */
export class Reloading {
  readonly #inputs: Inputs
  readonly #deps: ReloadingDeps
  readonly #watch: FileWatch

  constructor(inputs: Inputs, deps: ReloadingDeps) {
    this.#inputs = inputs
    this.#deps = deps
    this.#watch = new FileWatch(() => {
      this.reload().catch((error: unknown) => {
        deps.log.error({ err: error }, 'reloading failed')
      })
    })
    this.#watch.watch(inputs.files)
  }

  async reload(): Promise<void> {
    const { server, peers, mirrors, expiry, log } = this.#deps
    const before = this.#inputs.config
    const changed = await this.#inputs.reload()
    if (changed.has('configuration')) {
      log.level = this.#inputs.config.log.level
      this.#warnOfFixed(before)
    }
    if (changed.has('server certificate') || changed.has('trust anchors')) server.renew(this.#inputs.tls)
    if (changed.has('trust anchors')) peers.trust(this.#inputs.tls.anchors)
    if (changed.has('revocation lists')) peers.dismissRefused()
    // Also for their secrets, which are in files of their own.
    await mirrors.reload()
    if (changed.size > 0) expiry.check()
    this.#watch.watch(this.#inputs.files)
  }

  async close(): Promise<void> {
    await this.#watch.close()
  }

  #warnOfFixed(before: Inputs['config']): void {
    const settings = changedFixedSettings(before, this.#inputs.config)
    if (settings.length > 0) this.#deps.log.warn({ settings }, 'changed settings that take a restart')
  }
}
