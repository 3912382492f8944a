import { type Authorisation } from '../policy/policy.ts'
import { type RenderedIndex } from '../repoindex/rendered-index.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type IndexCache } from './index-cache.ts'

export interface ReadIndexDeps {
  readonly catalog: Catalog
  readonly indexes: IndexCache
}

export interface ReadIndex {
  readonly index: RenderedIndex
  /** What `index` was made of, shared by all requests. Not to be shown. */
  readonly whole: RenderedIndex
  /** Changes whenever the bytes may: the catalog's epoch, the revision, how it is rendered, and what is visible. */
  readonly tag: string
}

/** The repository's index as this identity may see it. Throws `repository-unknown`. */
export async function readIndex(
  deps: ReadIndexDeps,
  authorisation: Authorisation<'read'>,
): Promise<ReadIndex> {
  const index = await deps.indexes.read(authorisation.repository)
  const tag = `${deps.catalog.epoch}.${index.revision}.${index.rendering}`
  const scope = authorisation.chartScope
  if (scope === undefined) return { index, whole: index, tag }
  return { index: index.restrictedTo(scope.covers), whole: index, tag: `${tag}.${scope.key}` }
}
