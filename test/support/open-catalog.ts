import { SqliteCatalog } from '../../src/catalog/sqlite.ts'

/** Opens the catalog named on the command line and prints its epoch: one of several processes that start at once. */
const [file = ''] = process.argv.slice(2)
const catalog = await SqliteCatalog.open({ file })
console.log(catalog.epoch)
await catalog.close()
