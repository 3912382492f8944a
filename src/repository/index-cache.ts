import { LRUCache } from 'lru-cache'
import { type Catalog } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { RenderedIndex } from '../repoindex/rendered-index.ts'
import { repositoryUnknown } from './require-repository.ts'

/** Rendered indexes kept; one that falls out is rendered again from the catalog when asked for. */
const MOST_REPOSITORIES = 1000

/**
 * The index of each repository at its newest revision, shared by all requests of the process. The catalog is asked for
 * the revision every time (one indexed look-up), so that a change made by any process is seen by the next reader.
 */
export class IndexCache {
  readonly #catalog: Catalog
  readonly #contextPath: string
  readonly #rendered = new LRUCache<RepositoryName, RenderedIndex>({ max: MOST_REPOSITORIES })
  readonly #refreshing = new Map<RepositoryName, Promise<RenderedIndex>>()

  /** `contextPath` is what the indexes say of where the server's paths begin. */
  constructor(catalog: Catalog, contextPath = '') {
    this.#catalog = catalog
    this.#contextPath = contextPath
  }

  /** At the revision that the repository has now, or a later one. Throws `repository-unknown`. */
  async read(repository: RepositoryName): Promise<RenderedIndex> {
    const revision = await this.#revisionOf(repository)
    let index = this.#rendered.get(repository)
    // A refresh under way may have begun before the change that this reader must see; then one more shows it.
    while (index === undefined || index.revision < revision) index = await this.#refresh(repository)
    return index
  }

  /** A repository that is gone leaves nothing in memory; whoever takes its name goes on from its revision. */
  async #revisionOf(repository: RepositoryName): Promise<number> {
    const record = await this.#catalog.findRepository(repository)
    if (record !== undefined) return record.revision
    this.#rendered.delete(repository)
    throw repositoryUnknown(repository)
  }

  /** One refresh of a repository at a time; whoever comes meanwhile waits for it. */
  async #refresh(repository: RepositoryName): Promise<RenderedIndex> {
    const underWay = this.#refreshing.get(repository)
    if (underWay !== undefined) return underWay
    const refresh = this.#render(repository).finally(() => this.#refreshing.delete(repository))
    this.#refreshing.set(repository, refresh)
    return refresh
  }

  async #render(repository: RepositoryName): Promise<RenderedIndex> {
    const cached = this.#rendered.get(repository)
    const changes = cached && (await this.#catalog.readIndexSince(repository, cached.revision))
    const index =
      cached !== undefined && changes !== undefined && changes !== 'too-old'
        ? cached.update(changes)
        : await this.#renderWhole(repository)
    this.#rendered.set(repository, index)
    return index
  }

  async #renderWhole(repository: RepositoryName): Promise<RenderedIndex> {
    const snapshot = await this.#catalog.readIndex(repository)
    if (snapshot === undefined) throw repositoryUnknown(repository)
    return RenderedIndex.render(snapshot, this.#contextPath)
  }
}
