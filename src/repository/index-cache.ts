import { LRUCache } from 'lru-cache'
import { type Catalog } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { pausing } from '../ops/turn.ts'
import { type ChartScope } from '../policy/policy.ts'
import { RenderedIndex } from '../repoindex/rendered-index.ts'
import { type Pause } from '../repoindex/rope.ts'
import { repositoryUnknown } from './require-repository.ts'

/** Rendered indexes kept; one that falls out is rendered again from the catalog when asked for. */
const MOST_REPOSITORIES = 1000

/** The same for the indexes of those who may see a part only; each shares the segments that it has whole. */
const MOST_VIEWS = 100

/** What views may hold together besides what they share with the whole indexes. */
const MOST_VIEW_BYTES = 128 * 1024 * 1024

/**
 * The index of each repository at its newest revision, shared by all requests of the process. The catalog is asked for
 * the revision every time (one indexed look-up), so that a change made by any process is seen by the next reader.
 */
export class IndexCache {
  readonly #catalog: Catalog
  readonly #contextPath: string
  readonly #whole = new LRUCache<string, RenderedIndex>({ max: MOST_REPOSITORIES })
  readonly #views = new LRUCache<string, RenderedIndex>({ max: MOST_VIEWS, maxSize: MOST_VIEW_BYTES })
  readonly #refreshing = new Map<string, Promise<RenderedIndex>>()

  /** `contextPath` is what the indexes say of where the server's paths begin. */
  constructor(catalog: Catalog, contextPath = '') {
    this.#catalog = catalog
    this.#contextPath = contextPath
  }

  /**
   * What who has this scope sees of the repository, without one all of it: at the revision that it has now, or a later
   * one. Throws `repository-unknown`.
   */
  async read(repository: RepositoryName, scope?: ChartScope): Promise<RenderedIndex> {
    const revision = await this.#revisionOf(repository)
    const key = keyOf(repository, scope)
    let index = this.#cacheOf(scope).get(key)
    // A refresh under way may have begun before the change that this reader must see; then one more shows it.
    while (index === undefined || index.revision < revision) index = await this.#refresh(repository, scope)
    return index
  }

  /** A repository that is gone leaves nothing in memory; whoever takes its name goes on from its revision. */
  async #revisionOf(repository: RepositoryName): Promise<number> {
    const record = await this.#catalog.findRepository(repository)
    if (record !== undefined) return record.revision
    this.#whole.delete(keyOf(repository, undefined))
    for (const key of [...this.#views.keys()].filter((view) => isOf(repository, view)))
      this.#views.delete(key)
    throw repositoryUnknown(repository)
  }

  /** One refresh of an index at a time; whoever comes meanwhile waits for it. */
  async #refresh(repository: RepositoryName, scope: ChartScope | undefined): Promise<RenderedIndex> {
    const key = keyOf(repository, scope)
    const underWay = this.#refreshing.get(key)
    if (underWay !== undefined) return underWay
    const refresh = this.#render(repository, scope).finally(() => this.#refreshing.delete(key))
    this.#refreshing.set(key, refresh)
    return refresh
  }

  async #render(repository: RepositoryName, scope: ChartScope | undefined): Promise<RenderedIndex> {
    const key = keyOf(repository, scope)
    const pause = pausing()
    const cached = this.#cacheOf(scope).get(key)
    const updated = cached && (await this.#update(repository, cached, scope, pause))
    const index = updated ?? (await this.#renderAnew(repository, scope, pause))
    if (scope === undefined) this.#whole.set(key, index)
    else this.#views.set(key, index, { size: this.#ownBytesOf(repository, index) })
    return index
  }

  async #renderAnew(
    repository: RepositoryName,
    scope: ChartScope | undefined,
    pause: Pause,
  ): Promise<RenderedIndex> {
    if (scope === undefined) return this.#renderWhole(repository)
    const whole = await this.read(repository)
    return whole.restrictedTo(scope.covers, pause)
  }

  #cacheOf(scope: ChartScope | undefined): LRUCache<string, RenderedIndex> {
    return scope === undefined ? this.#whole : this.#views
  }

  /** What the index holds besides the segments of the repository's whole one. Never 0, as the cache wants it. */
  #ownBytesOf(repository: RepositoryName, index: RenderedIndex): number {
    const shared = new Set(this.#whole.peek(keyOf(repository, undefined))?.segments)
    return index.segments.reduce((sum, segment) => sum + (shared.has(segment) ? 0 : segment.bytes.length), 1)
  }

  /** `undefined` when the catalog no longer tells the changes apart. */
  async #update(
    repository: RepositoryName,
    cached: RenderedIndex,
    scope: ChartScope | undefined,
    pause: Pause,
  ): Promise<RenderedIndex | undefined> {
    const changes = await this.#catalog.readIndexSince(repository, cached.revision)
    if (changes === undefined || changes === 'too-old') return undefined
    if (scope === undefined) return cached.update(changes, pause)
    const versions = changes.versions.filter(({ name }) => scope.covers(name))
    return cached.update({ ...changes, versions }, pause)
  }

  async #renderWhole(repository: RepositoryName): Promise<RenderedIndex> {
    const index = await this.#catalog.readIndex(repository, (snapshot) =>
      RenderedIndex.render(snapshot, this.#contextPath),
    )
    if (index === undefined) throw repositoryUnknown(repository)
    return index
  }
}

/** No repository's name has a space in it. */
function keyOf(repository: RepositoryName, scope: ChartScope | undefined): string {
  return `${repository} ${scope?.key ?? ''}`
}

function isOf(repository: RepositoryName, key: string): boolean {
  return key.startsWith(`${repository} `)
}
