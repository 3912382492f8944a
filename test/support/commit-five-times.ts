import { SqliteCatalog } from '../../src/catalog/sqlite.ts'

/** Commits five transactions to the catalog named on the command line: the program that the sync test watches. */
const [file = ''] = process.argv.slice(2)
const catalog = await SqliteCatalog.open({ file })
for (let commits = 0; commits < 5; commits += 1) await catalog.check()
await catalog.close()
