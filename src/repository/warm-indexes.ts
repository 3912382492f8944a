import { type Catalog } from '../catalog/catalog.ts'
import { AppError } from '../errors.ts'
import { type IndexCache } from './index-cache.ts'

/** A smaller index is read within some milliseconds, when somebody asks for it. */
const LEAST_VERSIONS = 1_000

/**
 * Reads the indexes of large repositories, the largest first and one at a time, so that the first user of each does not
 * wait. Ends early when `isOver` says so.
 */
export async function warmIndexes(
  { catalog, indexes }: { readonly catalog: Catalog; readonly indexes: IndexCache },
  isOver: () => boolean,
): Promise<void> {
  const repositories = (await catalog.listRepositories()).filter(({ versions }) => versions >= LEAST_VERSIONS)
  for (const { name } of repositories.toSorted((a, b) => b.versions - a.versions)) {
    if (isOver()) return
    await indexes.read(name).catch((error: unknown) => {
      // It was deleted meanwhile.
      if (!(error instanceof AppError && error.code === 'repository-unknown')) throw error
    })
  }
}
