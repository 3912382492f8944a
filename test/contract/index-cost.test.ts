import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { type Query, type Reader, SqliteConnection } from '../../src/catalog/sqlite-connection.ts'
import { readIndexSince } from '../../src/catalog/sqlite-index.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { IndexCache } from '../../src/repository/index-cache.ts'
import { warmIndexes } from '../../src/repository/warm-indexes.ts'
import { actor, newVersion, RULES, versionId } from '../support/catalog-samples.ts'
import { intercept } from '../support/intercept.ts'
import { readWhole } from '../support/whole-index.ts'

const team = parseRepositoryName('team-a')

describe('the cost of an index in the catalog', () => {
  let folder: string
  let catalog: SqliteCatalog
  let database: Database.Database

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-index-'))
    const file = join(folder, 'catalog.db')
    catalog = await SqliteCatalog.open({ file })
    await catalog.recordVersion(newVersion(versionId('chart', '0.0.0')), RULES, actor())
    database = new Database(file)
  })

  afterEach(async () => {
    database.close()
    await catalog.close()
    await rm(folder, { recursive: true })
  })

  /** So many versions of one chart, put there without a change each. */
  function seed(versions: number): void {
    database.exec(`
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${versions})
      INSERT INTO versions (repository_id, name, version, sort_key, filename, digest, size, content_digest,
                            published_at, published_by, fragment)
      SELECT repository_id, name, 'n' || n, 'n' || n || ' 1.0.0', 'n' || n, digest, size, content_digest,
             published_at, published_by, fragment
      FROM numbers, versions WHERE version = '0.0.0'`)
  }

  async function rowsReadSince(since: number): Promise<number> {
    let rows = 0
    const counting = (tx: Reader): Reader => ({
      get: (query, parameters) => {
        rows += 1
        return tx.get(query, parameters)
      },
      all: () => {
        throw new Error('everything at once')
      },
      *iterate(query, parameters) {
        for (const row of tx.iterate(query, parameters)) {
          rows += 1
          yield row
        }
      },
    })
    await new SqliteConnection(database).snapshot((tx) => readIndexSince(counting(tx), team, since))
    return rows
  }

  for (const versions of [1_000, 30_000]) {
    it(`is after a publish or a withdrawal one version, among ${versions} of its chart`, async () => {
      seed(versions)
      await catalog.recordVersion(newVersion(versionId('chart', '1.0.0')), RULES, actor())
      const since = (await catalog.findRepository(team))?.revision ?? 0
      equal(await rowsReadSince(since), 1)
      equal(await rowsReadSince(since - 1), 3)
      await catalog.withdrawVersion(versionId('chart', '1.0.0'), actor())
      equal(await rowsReadSince(since), 3)
    }).timeout(10_000)
  }

  it('is what an index says, and nothing is sorted for it', async () => {
    seed(1_000)
    const queries: string[] = []
    const noting = (tx: Reader): Reader => ({
      get: (query, parameters) => tx.get(query, parameters),
      all: (query, parameters) => tx.all(query, parameters),
      iterate: <P extends object, Row>(query: Query<P, Row>, parameters: P) => {
        queries.push(query.sql)
        return tx.iterate(query, parameters)
      },
    })
    await new SqliteConnection(database).snapshot((tx) => readIndexSince(noting(tx), team, 0))
    equal(queries.length, 1)
    for (const sql of queries) {
      const plan = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all({ repositoryId: 1, since: 0 }) as {
        readonly detail: string
      }[]
      const details = plan.map(({ detail }) => detail)
      ok(
        details.every((detail) => detail.startsWith('SEARCH')),
        details.join('; '),
      )
    }
  })

  it('is read whole where so much has changed that this is less work', async () => {
    const change = database.prepare(`INSERT INTO changes VALUES (1, ?, 'publish', 'chart', '0.0.0', '', '')`)
    for (let revision = 2; revision <= 1_200; revision += 1) change.run(revision)
    database.exec('UPDATE repositories SET revision = 1200')
    equal(await catalog.readIndexSince(team, 1), 'too-old')
    const changes = await catalog.readIndexSince(team, 500)
    ok(typeof changes === 'object')
    equal(changes.versions.length, 1)
  })

  describe('in an IndexCache', () => {
    const READS = ['readIndex', 'readIndexSince'] as const
    let reads: string[]
    let indexes: IndexCache

    beforeEach(() => {
      reads = []
      const noted = intercept(catalog, READS, async (step, call) => {
        reads.push(step)
        return call()
      })
      indexes = new IndexCache(noted, '')
    })

    const scope = { key: 'others', covers: (name: string) => name !== 'chart' }

    it('is one look-up while nothing changes, for those who see a part too', async () => {
      await indexes.read(team)
      await indexes.read(team, scope)
      deepEqual(reads, ['readIndex'])
      equal(await indexes.read(team), await indexes.read(team))
      equal(await indexes.read(team, scope), await indexes.read(team, scope))
      deepEqual(reads, ['readIndex'])
    })

    it('is the changes after a publish, for each view that somebody asks for', async () => {
      await indexes.read(team, scope)
      await catalog.recordVersion(newVersion(versionId('other', '1.0.0')), RULES, actor())
      await catalog.recordVersion(newVersion(versionId('chart', '1.0.0')), RULES, actor())
      const view = await indexes.read(team, scope)
      deepEqual(view.namesBetween(0, view.size), ['other'])
      const whole = await indexes.read(team)
      deepEqual(whole.namesBetween(0, whole.size), ['chart', 'other'])
      deepEqual(reads, ['readIndex', 'readIndexSince', 'readIndexSince'])
    })

    it('forgets all views of a repository that is deleted', async () => {
      const view = await indexes.read(team, scope)
      await catalog.deleteRepository(team, 'delete', actor())
      for (const asked of [undefined, scope]) {
        await rejects(indexes.read(team, asked), { code: 'repository-unknown' })
      }
      await catalog.recordVersion(newVersion(versionId('other', '1.0.0')), RULES, actor())
      const anew = await indexes.read(team, scope)
      ok(anew.revision > view.revision)
      deepEqual(anew.namesBetween(0, anew.size), ['other'])
    })

    it('is paid ahead for large repositories, and for no other', async () => {
      await warmIndexes({ catalog, indexes }, () => false)
      deepEqual(reads, [])
      seed(1_000)
      await warmIndexes({ catalog, indexes }, () => true)
      deepEqual(reads, [])
      await warmIndexes({ catalog, indexes }, () => false)
      deepEqual(reads, ['readIndex'])
      equal((await readWhole(catalog, team))?.charts[0]?.fragments.length, 1_001)
      await indexes.read(team)
      deepEqual(reads, ['readIndex'])
    })
  })
})
