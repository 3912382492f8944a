import { createHash } from 'node:crypto'
import { type Logger } from 'pino'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type Config } from '../config/load.ts'
import { type MirrorConfig } from '../config/mirror.ts'
import { type Mirror } from '../mirror/mirror.ts'
import { assembleMirror, readUpstreams } from './open-mirror.ts'

export interface MirrorsDeps {
  readonly config: () => Pick<Config, 'repositories'>
  readonly userAgent: string
  readonly log: Logger
  readonly now: () => Date
}

interface OpenedMirror {
  readonly mirror: Mirror
  /** Of its configuration, secrets included. */
  readonly revision: string
}

/** The mirrors that are configured, with their connections. */
export class Mirrors {
  readonly #deps: MirrorsDeps
  readonly #retired = new Set<Mirror>()
  #opened: ReadonlyMap<RepositoryName, OpenedMirror> = new Map()

  private constructor(deps: MirrorsDeps) {
    this.#deps = deps
  }

  /** Throws `key-unusable`, naming the file. */
  static async open(deps: MirrorsDeps): Promise<Mirrors> {
    const mirrors = new Mirrors(deps)
    mirrors.#opened = await mirrors.#openAll()
    return mirrors
  }

  /** As configured now: to be asked for anew each time. */
  find(repository: RepositoryName): Mirror | undefined {
    return this.#opened.get(repository)?.mirror
  }

  all(): readonly Mirror[] {
    return [...this.#opened.values()].map(({ mirror }) => mirror)
  }

  /** Reads configuration and secrets again; what is the same keeps its connections. What cannot be read changes nothing. */
  async reload(): Promise<void> {
    try {
      const before = this.#opened
      this.#opened = await this.#openAll()
      for (const [repository, { mirror }] of before) {
        if (this.#opened.get(repository)?.mirror !== mirror) this.#retire(mirror)
      }
    } catch (error) {
      this.#deps.log.error({ err: error }, 'the mirrors were not reloaded: the earlier state stays in force')
    }
  }

  close(): Promise<void> {
    for (const mirror of [...this.all(), ...this.#retired]) mirror.close()
    return Promise.resolve()
  }

  async #openAll(): Promise<ReadonlyMap<RepositoryName, OpenedMirror>> {
    const opened = new Map<RepositoryName, OpenedMirror>()
    for (const { name, mirror } of this.#deps.config().repositories) {
      if (mirror === undefined || typeof name !== 'string') continue
      opened.set(name, await this.#open(name, mirror))
    }
    return opened
  }

  async #open(repository: RepositoryName, config: MirrorConfig): Promise<OpenedMirror> {
    const upstreams = await readUpstreams(config, this.#deps.now())
    const revision = createHash('sha256')
      .update(JSON.stringify([config, upstreams]))
      .digest('hex')
    const before = this.#opened.get(repository)
    if (before?.revision === revision) return before
    return { mirror: assembleMirror(repository, config, upstreams, this.#deps), revision }
  }

  /** What is under way may come to its end: no download lasts longer than it may. */
  #retire(mirror: Mirror): void {
    this.#retired.add(mirror)
    const longestMs = Math.max(...mirror.upstreams.map(({ upstream }) => upstream.timeoutMs))
    setTimeout(() => {
      this.#retired.delete(mirror)
      mirror.close()
    }, longestMs).unref()
  }
}
