import { type Logger } from 'pino'
import { type Catalog } from '../catalog/catalog.ts'
import { type Closers } from '../ops/close.ts'
import { type IndexCache } from '../repository/index-cache.ts'
import { warmIndexes } from '../repository/warm-indexes.ts'

export interface WarmDeps {
  readonly catalog: Catalog
  readonly indexes: IndexCache
  readonly log: Logger
}

/**
 * To be called once the server listens: a start does not take the longer, the more there is to read, and who comes
 * meanwhile waits for what is already under way.
 */
export function warmInBackground({ log, ...deps }: WarmDeps, closers: Closers): void {
  warmIndexes(deps, () => closers.closing).catch((error: unknown) => {
    // The catalog, which closes last, waits for the one that is being read.
    if (!closers.closing) log.warn({ err: error }, 'the indexes could not be read ahead')
  })
}
