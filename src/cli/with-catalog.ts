import { catalogFileOf } from '../app/stores.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { SqliteCatalog } from '../catalog/sqlite.ts'
import { type Config } from '../config/load.ts'
import { hasFile } from '../ops/has-file.ts'

/** Opens the catalog alone, made if it is not there, also while a server has it open. */
export async function withCatalog<T>({ storage }: Config, use: (catalog: Catalog) => Promise<T>): Promise<T> {
  const catalog = await SqliteCatalog.open({ file: catalogFileOf(storage) })
  try {
    return await use(catalog)
  } finally {
    await catalog.close()
  }
}

/** For commands that only look: where there is no catalog, none is made. */
export async function withCatalogIfAny<T>(
  config: Config,
  use: (catalog: Catalog | undefined) => Promise<T>,
): Promise<T> {
  return (await hasFile(catalogFileOf(config.storage))) ? withCatalog(config, use) : use(undefined)
}

/** Changes nothing, not even the schema. Throws `config-invalid` where there is no catalog, or an older one. */
export async function withCatalogAsItIs<T>(
  { storage }: Config,
  use: (catalog: Catalog) => Promise<T>,
): Promise<T> {
  const catalog = await SqliteCatalog.open({ file: catalogFileOf(storage), readonly: true })
  try {
    return await use(catalog)
  } finally {
    await catalog.close()
  }
}
