import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { describeCatalog } from './catalog.ts'
import { type CatalogFixture } from './catalog/harness.ts'

const catalogs: Record<string, () => Promise<CatalogFixture>> = {
  SqliteCatalog: async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chartroom-catalog-'))
    return {
      open: () => SqliteCatalog.open({ file: join(folder, 'catalog.db') }),
      remove: () => rm(folder, { recursive: true }),
    }
  },
}

for (const [name, create] of Object.entries(catalogs)) describeCatalog(name, create)
