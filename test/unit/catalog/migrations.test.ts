import { deepEqual, equal } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { charts } from '../../../src/catalog/migrations/0001-charts.ts'
import { revocation } from '../../../src/catalog/migrations/0002-revocation.ts'
import { audit } from '../../../src/catalog/migrations/0003-audit.ts'
import { reading } from '../../../src/catalog/migrations/0004-reading.ts'
import { operations } from '../../../src/catalog/migrations/0005-operations.ts'
import { webhooks } from '../../../src/catalog/migrations/0006-webhooks.ts'
import { migrate } from '../../../src/catalog/migrate.ts'
import { isBusy } from '../../../src/catalog/sqlite-errors.ts'
import { SqliteCatalog } from '../../../src/catalog/sqlite.ts'
import { actor, newVersion, RULES, versionId } from '../../support/catalog-samples.ts'

describe('a catalog of the first schema', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-migrations-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  it('gets the names of its certificates from their subjects', async () => {
    const file = join(folder, 'catalog.db')
    const database = new Database(file)
    database.exec(charts)
    // 0x4348524d, "CHRM", as migrate.ts marks it.
    database.pragma('application_id = 1128813133')
    database.pragma('user_version = 1')
    const insert = database.prepare(
      `INSERT INTO certificates (issuer_key, serial, subject, not_before, not_after)
       VALUES ('aa', ?, ?, '2026-01-01T00:00:00.000Z', '2027-01-01T00:00:00.000Z')`,
    )
    for (const [place, subject] of ['CN=ci', 'O=CN\\=x, OU=publishers, CN=ci-2', 'nothing'].entries()) {
      insert.run(String(place), subject)
    }
    database.close()
    const catalog = await SqliteCatalog.open({ file })
    const names = (await catalog.listCertificates()).map(({ name, altNames }) => ({ name, altNames }))
    await catalog.close()
    deepEqual(names, [
      { name: 'ci', altNames: [] },
      { name: 'ci-2', altNames: [] },
      { name: 'nothing', altNames: [] },
    ])
  })

  it('is brought to this schema once, with its versions, their counts and the revision of its repository', async () => {
    const file = join(folder, 'catalog.db')
    makeFirstSchema(file)
    const first = await SqliteCatalog.open({ file })
    const { epoch } = first
    await first.close()
    const schema = schemaOf(file)
    const catalog = await SqliteCatalog.open({ file })
    try {
      equal(catalog.epoch, epoch)
      deepEqual(schemaOf(file), schema)
      const [repository] = await catalog.listRepositories()
      deepEqual(
        [repository?.name, repository?.revision, repository?.versions, repository?.bytes],
        ['team-a', 3, 1, 70],
      )
      const demo = versionId('demo', '1.0.0')
      equal((await catalog.findVersion(demo))?.size, 70)
      equal((await catalog.findTombstone(versionId('demo', '2.0.0')))?.withdrawn, true)
      await catalog.recordVersion(newVersion(versionId('demo', '3.0.0'), { content: '123' }), RULES, actor())
      equal((await catalog.findRepository(demo.repository))?.bytes, 73)
    } finally {
      await catalog.close()
    }
  })
})

describe('a catalog of the sixth schema', () => {
  it('keeps its changes, in their order, and announces later ones as before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chartroom-migrations-'))
    const file = join(folder, 'catalog.db')
    makeSixthSchema(file)
    const catalog = await SqliteCatalog.open({ file })
    try {
      const { repository } = versionId('demo', '1.0.0')
      const changes = await catalog.readIndexSince(repository, 1)
      deepEqual(
        typeof changes === 'object' && [changes.revision, changes.versions.map(({ fragment }) => fragment)],
        [3, [undefined]],
      )
      await catalog.recordVersion(newVersion(versionId('demo', '3.0.0')), RULES, actor())
      equal((await catalog.findRepository(repository))?.revision, 4)
      const database = new Database(file, { readonly: true })
      const kinds = database.prepare('SELECT revision, kind, changed_by FROM changes ORDER BY revision')
      deepEqual(kinds.raw().all(), [
        [1, 'publish', 'ci'],
        [2, 'publish', 'ci'],
        [3, 'delete', 'ops'],
        [4, 'publish', actor().who],
      ])
      database.close()
      const events = await catalog.outbox.listEvents(0, 10)
      deepEqual(
        events.map(({ kind, chart, version }) => [kind, chart, version]),
        [['publish', 'demo', '3.0.0']],
      )
    } finally {
      await catalog.close()
      await rm(folder, { recursive: true })
    }
  })
})

describe('a new catalog', () => {
  it('may be made by another process between any two looks at it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chartroom-migrations-'))
    const file = join(folder, 'catalog.db')
    const late = new Database(file)
    late.pragma('journal_mode = WAL')
    const pragma = late.pragma.bind(late)
    late.pragma = (...args) => {
      const value = pragma(...args)
      makeSchema(file)
      return value
    }
    migrate(late)
    equal(late.prepare('SELECT count(*) FROM repositories').pluck().get(), 0)
    late.close()
    await rm(folder, { recursive: true })
  })
})

function makeSchema(file: string): void {
  const other = new Database(file, { timeout: 0 })
  try {
    migrate(other)
  } catch (error) {
    // The late one holds the lock: it is making the schema itself.
    if (!isBusy(error)) throw error
  } finally {
    other.close()
  }
}

/** A repository with one version, and another that was withdrawn. */
function makeFirstSchema(file: string): void {
  const database = new Database(file)
  database.exec(charts)
  // "CHRM", as migrate.ts marks it.
  database.pragma('application_id = 1128813133')
  database.pragma('user_version = 1')
  database.exec(`
    INSERT INTO repositories VALUES (1, 'team-a', 3, '${AT}', '${AT}');
    INSERT INTO versions VALUES
      (1, 1, 'demo', '1.0.0', '1', 'demo-1.0.0.tgz', '${'a'.repeat(64)}', 70, 'c1', '${AT}', 'ci', NULL, NULL, '{}'),
      (2, 1, 'demo', '2.0.0', '2', 'demo-2.0.0.tgz', '${'b'.repeat(64)}', 30, 'c2', '${AT}', 'ci', '${AT}', 'ci', '{}');
    INSERT INTO provenance VALUES (1, 1, '${'d'.repeat(64)}', 9, 'server', '${AT}', 'ci');
  `)
  database.close()
}

/** The first one with its changes, as the migrations up to webhooks leave it. */
function makeSixthSchema(file: string): void {
  makeFirstSchema(file)
  const database = new Database(file)
  for (const sql of [revocation, audit, reading, operations, webhooks]) database.exec(sql)
  database.pragma('user_version = 6')
  database.exec(`
    DELETE FROM changes;
    INSERT INTO changes VALUES
      (1, 1, 'publish', 'demo', '1.0.0', '${AT}', 'ci'),
      (1, 2, 'publish', 'demo', '2.0.0', '${AT}', 'ci'),
      (1, 3, 'delete', 'demo', '2.0.0', '${AT}', 'ops');
    INSERT INTO webhooks (url, cursor, named_at) VALUES ('https://hooks.example.org', 0, '${AT}');
  `)
  database.close()
}

const AT = '2026-01-01T00:00:00.000Z'

function schemaOf(file: string): unknown {
  const database = new Database(file, { readonly: true })
  try {
    const version: unknown = database.pragma('user_version', { simple: true })
    return [version, database.prepare('SELECT sql FROM sqlite_schema').all()]
  } finally {
    database.close()
  }
}
