import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Database from 'better-sqlite3'
import { SqliteConnection } from '../../src/catalog/sqlite-connection.ts'
import { switchToWal } from '../../src/catalog/sqlite-file.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { WriteQueue } from '../../src/catalog/write-queue.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { actor, newVersion, RULES, versionId } from '../support/catalog-samples.ts'
import { readTrace, requireTracing, tracer } from '../support/system-calls.ts'
import { readWhole } from '../support/whole-index.ts'

const run = promisify(execFile)

describe('SqliteCatalog in its file', () => {
  const team = parseRepositoryName('team-a')
  let folder: string
  let file: string
  let catalogs: SqliteCatalog[]
  let databases: Database.Database[]

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-sqlite-'))
    file = join(folder, 'not', 'yet', 'catalog.db')
    catalogs = []
    databases = []
  })

  afterEach(async () => {
    for (const database of databases) database.close()
    await Promise.all(catalogs.map((catalog) => catalog.close()))
    await rm(folder, { recursive: true })
  })

  async function open(options: { readonly?: boolean } = {}): Promise<SqliteCatalog> {
    const catalog = await SqliteCatalog.open({ file, ...options })
    catalogs.push(catalog)
    return catalog
  }

  /** The database as another program sees it. */
  function raw(options: Database.Options = {}): Database.Database {
    const database = new Database(file, { timeout: 0, ...options })
    databases.push(database)
    return database
  }

  async function modeOf(path: string): Promise<string> {
    return ((await stat(path)).mode & 0o777).toString(8)
  }

  describe('open', () => {
    it('creates the folder and files that nobody else can read', async () => {
      await open()
      equal(await modeOf(join(folder, 'not')), '700')
      equal(await modeOf(join(folder, 'not', 'yet')), '700')
      for (const suffix of ['', '-wal', '-shm']) equal(await modeOf(file + suffix), '600', suffix)
    })

    it('syncs the write-ahead log at every commit', async function () {
      await requireTracing(this, 'the durability of commits is not checked')
      const trace = join(folder, 'trace')
      const script = join(import.meta.dirname, '..', 'support', 'commit-five-times.ts')
      const [strace = '', ...flags] = tracer(trace, ['fsync', 'fdatasync'])
      await run(strace, [...flags, process.execPath, script, file])
      const calls = await readTrace(trace)
      const syncs = calls.filter(({ places }) => places[0]?.endsWith('/catalog.db-wal'))
      ok(syncs.length >= 5, `only ${syncs.length} syncs`)
    })

    it('lets processes that start at once on a new file make one catalog', async () => {
      const script = join(import.meta.dirname, '..', 'support', 'open-catalog.ts')
      const started = await Promise.all(
        Array.from({ length: 4 }, () => run(process.execPath, [script, file])),
      )
      equal(new Set(started.map(({ stdout }) => stdout)).size, 1)
    })

    it('takes a relative path, and no special name of SQLite', async () => {
      const before = process.cwd()
      process.chdir(folder)
      try {
        const catalog = await SqliteCatalog.open({ file: ':memory:' })
        await catalog.close()
        ok((await readdir(folder)).includes(':memory:'))
      } finally {
        process.chdir(before)
      }
    })

    it('refuses a catalog of a newer version', async () => {
      const catalog = await open()
      await catalog.close()
      raw().pragma('user_version = 1000')
      for (const options of [{}, { readonly: true }]) {
        await rejects(open(options), { code: 'config-invalid', message: /newer version of Chartroom/ })
      }
    })

    it('copies itself into one file, that opens like the original, while another process writes', async () => {
      const catalog = await open()
      const other = await open()
      await catalog.recordVersion(newVersion(versionId('demo', '1.0.0')), RULES, actor())
      const copyFile = join(folder, 'copy.db')
      const progress = { copied: false }
      const copying = (await open({ readonly: true })).copyTo(copyFile).finally(() => {
        progress.copied = true
      })
      for (let patch = 0; !progress.copied; patch += 1) {
        await other.recordVersion(newVersion(versionId('late', `1.0.${patch}`)), RULES, actor())
        await new Promise(setImmediate)
      }
      await copying
      deepEqual((await readdir(folder)).sort(), ['copy.db', 'not'])
      const copy = await SqliteCatalog.open({ file: copyFile, readonly: true })
      catalogs.push(copy)
      equal(copy.epoch, catalog.epoch)
      ok(await copy.findVersion(versionId('demo', '1.0.0')))
      await rejects(catalog.copyTo(join(folder, 'no', 'such', 'folder')), /directory does not exist/)
    })

    it('refuses the database of another program, and changes nothing in it', async () => {
      file = join(folder, 'theirs.db')
      raw().exec('CREATE TABLE theirs (a)')
      await rejects(open(), { code: 'config-invalid', message: /another program/ })
      equal(raw().pragma('journal_mode', { simple: true }), 'delete')
    })

    it('refuses a file that is no database', async () => {
      file = join(folder, 'notes.txt')
      await writeFile(file, 'to do: nothing '.repeat(100))
      await rejects(open(), { code: 'config-invalid', message: /not a SQLite database/ })
    })

    it('refuses a folder that cannot be made', async () => {
      await writeFile(join(folder, 'not'), '')
      await rejects(open(), { code: 'config-invalid', message: /cannot be created/ })
    })

    it('refuses a folder in place of the file', async () => {
      file = folder
      await rejects(open(), { code: 'config-invalid', message: /cannot be opened/ })
    })

    it('waits for its turn to switch a new catalog to the write-ahead log', async () => {
      file = join(folder, 'new.db')
      const [first, second] = [raw(), raw()]
      first.exec('BEGIN EXCLUSIVE')
      const switching = switchToWal(second)
      first.exec('ROLLBACK')
      await switching
      equal(first.pragma('journal_mode', { simple: true }), 'wal')
    })

    it('refuses a file system on which the write-ahead log does not work', async () => {
      const database = new Database(':memory:')
      databases.push(database)
      await rejects(switchToWal(database), { code: 'config-invalid', message: /local disk/ })
    })

    it('refuses a catalog that has lost its epoch', async () => {
      const catalog = await open()
      await catalog.close()
      raw().exec(`DELETE FROM meta WHERE key = 'epoch'`)
      await rejects(open(), { code: 'config-invalid', message: /lost its epoch/ })
    })
  })

  describe('open for reading only', () => {
    it('reads what is there and rejects every change', async () => {
      const catalog = await open()
      await catalog.createRepository(team, actor())
      const reader = await open({ readonly: true })
      equal((await reader.findRepository(team))?.revision, 0)
      equal((await readWhole(reader, team))?.revision, 0)
      equal(reader.epoch, catalog.epoch)
      await rejects(reader.createRepository(parseRepositoryName('other'), actor()), {
        code: 'unavailable',
        message: /can only be read/,
      })
      await rejects(reader.check(), { code: 'unavailable', message: /cannot be read and written/ })
    })

    it('creates nothing where there is no catalog', async () => {
      await rejects(open({ readonly: true }), { code: 'config-invalid', message: /cannot be opened/ })
      deepEqual(await readdir(folder), [])
    })

    it('refuses a catalog that is not up to date, and leaves it so', async () => {
      file = join(folder, 'empty.db')
      await writeFile(file, '')
      await rejects(open({ readonly: true }), { code: 'config-invalid', message: /start the server once/ })
      equal(raw().pragma('user_version', { simple: true }), 0)
    })
  })

  describe('faults', () => {
    function writesOn(database: Database.Database, options: { mostWaitMs?: number } = {}): WriteQueue {
      return new WriteQueue(new SqliteConnection(database), options)
    }

    it('says that another process holds the lock, and writes nothing', async () => {
      const catalog = await open()
      const writes = writesOn(raw(), { mostWaitMs: 50 })
      const blocker = raw()
      blocker.exec('BEGIN IMMEDIATE')
      let calls = 0
      const write = async (): Promise<void> =>
        writes.write(() => {
          calls += 1
        })
      await rejects(write(), { code: 'unavailable', message: /locked by another process/ })
      equal(calls, 0)
      equal(await catalog.findRepository(team), undefined, 'reading goes on meanwhile')
      blocker.exec('ROLLBACK')
      await write()
      equal(calls, 1)
    })

    it('says storage-full when the disk is, and takes the whole transaction back', async () => {
      const catalog = await open()
      const database = raw()
      const pages = Number(database.pragma('page_count', { simple: true }))
      database.pragma(`max_page_count = ${pages + 2}`)
      const insert = { sql: `INSERT INTO meta (key, value) VALUES (@key, @value)` }
      const fill = writesOn(database).write((tx) => {
        tx.run(insert, { key: 'small', value: '' })
        tx.run(insert, { key: 'large', value: 'x'.repeat(100_000) })
      })
      await rejects(fill, { code: 'storage-full', message: /no room left/ })
      deepEqual(database.prepare(`SELECT 1 FROM meta WHERE key IN ('small', 'large')`).all(), [])
      await catalog.check()
    })

    it('takes the whole transaction back when its function throws', async () => {
      await open()
      const insert = { sql: `INSERT INTO meta (key, value) VALUES ('trace', '')` }
      const failure = new Error('in between')
      const failed = writesOn(raw()).write((tx) => {
        tx.run(insert, {})
        throw failure
      })
      await rejects(failed, failure)
      equal(raw().prepare(`SELECT 1 FROM meta WHERE key = 'trace'`).get(), undefined)
    })
  })

  describe('while another process holds the write lock', () => {
    /** As a process that takes its time: it lets go after so long. */
    async function lockFor(ms: number): Promise<void> {
      const script = join(import.meta.dirname, '..', 'support', 'hold-write-lock.ts')
      const holder = spawn(process.execPath, [script, file, String(ms)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await once(holder.stdout, 'data')
    }

    it('goes on reading, and writes what was asked for meanwhile, in its order', async () => {
      const catalog = await open()
      await lockFor(300)
      const written: string[] = []
      const names = ['first', 'second', 'third']
      const writing = Promise.all(
        names.map(async (name) => {
          await catalog.createRepository(parseRepositoryName(name), actor())
          written.push(name)
        }),
      )
      let reads = 0
      for (; written.length === 0; reads += 1) {
        equal(await catalog.findRepository(team), undefined)
        await new Promise(setImmediate)
      }
      await writing
      ok(reads > 20, `${reads} reads`)
      deepEqual(written, names)
      deepEqual(
        (await catalog.listRepositories()).map(({ name }) => name),
        ['first', 'second', 'third'],
      )
    })

    it('closes once the writes that wait have been done', async () => {
      const catalog = await SqliteCatalog.open({ file })
      await lockFor(200)
      const writing = catalog.createRepository(team, actor())
      await catalog.close()
      equal(await writing, 'created')
      await rejects(catalog.createRepository(team, actor()), { code: 'unavailable', message: /is closed/ })
    })
  })

  describe('reading a large index', () => {
    const versions = 5_000

    async function seed(catalog: SqliteCatalog): Promise<void> {
      await catalog.recordVersion(newVersion(versionId('chart', '0.0.0')), RULES, actor())
      const database = raw()
      database.exec(`
        WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${versions - 1})
        INSERT INTO versions (repository_id, name, version, sort_key, filename, digest, size, content_digest,
                              published_at, published_by, fragment)
        SELECT repository_id, name, 'n' || n, 'n' || n, 'n' || n, digest, size, content_digest,
               published_at, published_by, fragment
        FROM numbers, versions WHERE version = '0.0.0'`)
    }

    it('lets other work run meanwhile, and does not see what that changes', async () => {
      const catalog = await open()
      await seed(catalog)
      let hadTurn = false
      const counts = await catalog.readIndex(team, async ({ revision, versions: batches }) => {
        let read = 0
        for await (const batch of batches) {
          if (read > 0 && !hadTurn) throw new Error('nothing else has had its turn')
          if (read === 0) {
            await catalog.recordVersion(newVersion(versionId('late', '1.0.0')), RULES, actor())
            setImmediate(() => {
              hadTurn = true
            })
            const start = performance.now()
            while (performance.now() - start < 10);
          }
          read += batch.length
        }
        return { revision, read }
      })
      deepEqual(counts, { revision: 1, read: versions })
      equal((await catalog.findRepository(team))?.revision, 2)
    })

    it('gives each of many readers a snapshot of its own', async () => {
      const catalog = await open()
      await seed(catalog)
      const readings = await Promise.all(
        Array.from({ length: 12 }, async (_, turn) => {
          const reading = readWhole(catalog, team)
          await catalog.recordVersion(newVersion(versionId(`late-${turn}`, '1.0.0')), RULES, actor())
          return reading
        }),
      )
      for (const index of readings) equal(index?.charts.length, index?.revision)
    })

    it('ends before the catalog closes; those that wait are refused', async () => {
      const catalog = await open()
      await seed(catalog)
      const readings = Array.from({ length: 6 }, () => readWhole(catalog, team))
      const settled = Promise.allSettled(readings)
      await catalog.close()
      const results = await settled
      equal(results.filter((result) => result.status === 'fulfilled').length, 4)
      for (const result of results) {
        if (result.status === 'rejected') ok(String(result.reason).includes('closed'))
      }
    })
  })
})
