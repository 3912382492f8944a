import { type Logger } from 'pino'
import { describeRepository, ROOT_REPOSITORY } from '../chart/repository-name.ts'
import { type Config } from '../config/load.ts'
import { AppError } from '../errors.ts'
import { type TlsMaterial } from '../http/tls-options.ts'
import { type TrustAnchor } from '../http/trust-anchor.ts'
import { type Metrics } from '../ops/metrics.ts'
import { type Expiry } from '../ops/expiry-watch.ts'
import { Reloadable, type InputStatus } from '../ops/reloadable.ts'
import { parseCertificates } from '../pki/pem.ts'
import { Policy } from '../policy/policy.ts'
import { type SettingsOf } from '../repository/settings.ts'
import { filesNamedIn, revisionOf, settingsRevision } from './input-files.ts'
import { RevocationLists } from './revocation-lists.ts'
import { readRepositorySettings } from './repository-settings.ts'
import { readAnchors, readEndpoint, type Endpoint } from './tls-material.ts'

export interface InputDeps {
  readonly loadConfig: () => Promise<Config>
  readonly log: Logger
  readonly metrics: Metrics
  readonly now: () => Date
}

/** What can change while the server runs, by the names that logs, metrics and `/readyz` use. */
export type InputName =
  'configuration' | 'server certificate' | 'trust anchors' | 'revocation lists' | 'signing keys'

interface Parts {
  readonly config: Reloadable<Config>
  readonly endpoint: Reloadable<Endpoint>
  readonly anchors: Reloadable<readonly TrustAnchor[]>
  readonly lists: Reloadable<RevocationLists>
  readonly settings: Reloadable<SettingsOf>
}

/** What else is asked of a configuration before it is put into force. */
interface Admission {
  admit: (config: Config) => Promise<void>
}

/**
 * Everything that is read from files and may change under a running server. Each input is read for itself: one that is
 * broken stays as it was, and the others move on.
 */
export class Inputs {
  readonly #deps: InputDeps
  readonly #parts: Parts
  #policy: Policy
  readonly #admission: Admission
  #reloading: Promise<ReadonlySet<InputName>> | undefined

  private constructor(deps: InputDeps, parts: Parts, admission: Admission) {
    this.#deps = deps
    this.#parts = parts
    this.#admission = admission
    this.#policy = new Policy(parts.config.value.rules)
  }

  /** Reads everything for the first time; throws what makes serving impossible. */
  static async open(deps: InputDeps): Promise<Inputs> {
    const { loadConfig, now } = deps
    const admission: Admission = { admit: () => Promise.resolve() }
    const config = await Reloadable.open(
      'configuration' satisfies InputName,
      async () => {
        const value = await loadConfig()
        requireGrants(value)
        await admission.admit(value)
        return { value, revision: settingsRevision(value) }
      },
      now,
    )
    const tls = (): Config['tls'] => config.value.tls
    const keys = (all: Config): unknown => {
      const { signing, provenance, repositories, overwrite, tombstones, readOnly, quota } = all
      return { signing, provenance, repositories, overwrite, tombstones, readOnly, quota }
    }
    const anchors = await openInput(
      'trust anchors',
      now,
      () => readAnchors(tls().clientCAs, now()),
      () => tls().clientCAs.map(({ name, file }) => ({ name, file })),
    )
    const parts = {
      config,
      endpoint: await openInput(
        'server certificate',
        now,
        () => readEndpoint(tls(), now()),
        () => [tls().certificate, tls().key],
      ),
      anchors,
      lists: await openInput(
        'revocation lists',
        now,
        () => RevocationLists.read(tls().clientCAs, anchors.value),
        () => tls().clientCAs,
      ),
      settings: await openInput(
        'signing keys',
        now,
        () => readRepositorySettings(config.value),
        () => keys(config.value),
      ),
    }
    return new Inputs(deps, parts, admission)
  }

  /** From now on, no configuration is put into force that `admit` rejects. */
  admitBy(admit: Admission['admit']): void {
    this.#admission.admit = admit
  }

  get config(): Config {
    return this.#parts.config.value
  }

  get policy(): Policy {
    return this.#policy
  }

  get tls(): TlsMaterial {
    return { ...this.#parts.endpoint.value, anchors: this.#parts.anchors.value }
  }

  get lists(): RevocationLists {
    return this.#parts.lists.value
  }

  get settingsOf(): SettingsOf {
    return this.#parts.settings.value
  }

  get statuses(): readonly InputStatus[] {
    return Object.values(this.#parts).map(({ status }: { status: InputStatus }) => status)
  }

  /** What is in force and ends some day. */
  get expiries(): readonly Expiry[] {
    const { certificatePem, anchors } = this.tls
    const [certificate] = parseCertificates(certificatePem)
    return [
      { what: 'server certificate', at: certificate.validToDate },
      ...anchors.map(({ name, certificates }) => ({
        what: `trust anchor ${name}`,
        at: new Date(Math.max(...certificates.map(({ validToDate }) => validToDate.getTime()))),
      })),
      ...this.lists.expiries,
      ...this.#signingKeyExpiries(),
    ]
  }

  /** Of the server's key, and of those that repositories have of their own. */
  #signingKeyExpiries(): readonly Expiry[] {
    const named = this.config.repositories.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
    const ends = new Map<string, Expiry>()
    for (const repository of [ROOT_REPOSITORY, ...named]) {
      const { fingerprint, expiresAt } = this.settingsOf(repository).signingKey
      if (expiresAt === undefined || ends.has(fingerprint)) continue
      ends.set(fingerprint, { what: `signing key of ${describeRepository(repository)}`, at: expiresAt })
    }
    return [...ends.values()]
  }

  /** What a change of would be worth a reload. */
  get files(): readonly string[] {
    const { file, tls, signing, provenance, repositories } = this.config
    return filesNamedIn([file, tls, signing, provenance, repositories])
  }

  /** Reads all again and gives the names of those that changed. One at a time; a second caller waits for its own. */
  async reload(): Promise<ReadonlySet<InputName>> {
    await this.#reloading
    this.#reloading = this.#reloadAll()
    return this.#reloading
  }

  async #reloadAll(): Promise<ReadonlySet<InputName>> {
    const { log, metrics } = this.#deps
    const changed = new Set<InputName>()
    // In this order: where the others are is part of the configuration.
    for (const input of Object.values(this.#parts) as Reloadable<unknown>[]) {
      const { error: knownError } = input.status
      const outcome = await input.reload()
      metrics.reloads.inc({ input: input.name, outcome })
      const { name, loadedAt, error } = input.status
      if (outcome === 'failed' && error !== knownError)
        log.error(
          { input: name, error, inForceSince: loadedAt },
          'not reloaded: the earlier state stays in force',
        )
      if (outcome !== 'changed') continue
      log.info({ input: name }, 'reloaded')
      changed.add(name as InputName)
    }
    if (changed.has('configuration')) this.#policy = new Policy(this.config.rules)
    return changed
  }
}

/** `section` is what the reading depends on: settings, and the files that they name. */
async function openInput<T>(
  name: InputName,
  now: () => Date,
  read: () => Promise<T>,
  section: () => unknown,
): Promise<Reloadable<T>> {
  return Reloadable.open(
    name,
    async () => {
      // Before the reading: a file that changes in between is then read once more, and not overlooked.
      const revision = await revisionOf(section())
      return { value: await read(), revision }
    },
    now,
  )
}

/** Also while running: a file that is just being written may be empty, and would shut everybody out. */
function requireGrants({ rules, file }: Config): void {
  if (rules.some((rule) => 'may' in rule)) return
  const where = file === undefined ? 'there is no chartroom.yaml' : `${file} has no grants under "access"`
  throw new AppError(
    'config-invalid',
    `${where}, so nobody could do anything; "chartroom init" writes a first one`,
  )
}
