import { type Database } from 'better-sqlite3'
import { AppError } from '../errors.ts'
import { charts } from './migrations/0001-charts.ts'
import { revocation } from './migrations/0002-revocation.ts'
import { audit } from './migrations/0003-audit.ts'
import { reading } from './migrations/0004-reading.ts'
import { operations } from './migrations/0005-operations.ts'
import { webhooks } from './migrations/0006-webhooks.ts'
import { mirrors } from './migrations/0007-mirrors.ts'

/** In order; a catalog's schema version is the number of those it has had. */
const MIGRATIONS: readonly string[] = [charts, revocation, audit, reading, operations, webhooks, mirrors]

/** "CHRM": marks the file as a Chartroom catalog (SQLite's file format, section 1.3.15). */
const APPLICATION_ID = 0x4348524d

/** Brings the catalog to this program's schema. Several processes may do it at once. */
export function migrate(database: Database): void {
  while (schemaVersion(database) < MIGRATIONS.length) {
    // Looked at again inside: the process that held the lock before may have done the work.
    database
      .transaction(() => {
        applyNext(database)
      })
      .immediate()
  }
}

/** Refuses, with `config-invalid`, a database that this program may not write to. Changes nothing. */
export function checkMigratable(database: Database): void {
  if (schemaVersion(database) > MIGRATIONS.length) {
    throw new AppError(
      'config-invalid',
      'the catalog was written by a newer version of Chartroom: run that version, or a newer one',
    )
  }
}

/** Refuses, with `config-invalid`, a catalog that a reader could not understand. */
export function checkCurrent(database: Database): void {
  checkMigratable(database)
  if (schemaVersion(database) < MIGRATIONS.length) {
    throw new AppError(
      'config-invalid',
      'the catalog was written by an older version of Chartroom: start the server once to bring it up to date',
    )
  }
}

function applyNext(database: Database): void {
  const version = schemaVersion(database)
  const sql = MIGRATIONS[version]
  if (sql === undefined) return
  database.exec(sql)
  database.pragma(`application_id = ${APPLICATION_ID}`)
  database.pragma(`user_version = ${version + 1}`)
}

/**
 * 0 for an empty database. Throws `config-invalid` for another program's. Looks in one transaction: between two reads
 * another process may make the catalog.
 */
function schemaVersion(database: Database): number {
  return database
    .transaction(() => {
      const applicationId = Number(database.pragma('application_id', { simple: true }))
      if (applicationId === APPLICATION_ID) return Number(database.pragma('user_version', { simple: true }))
      if (applicationId === 0 && isEmpty(database)) return 0
      throw new AppError('config-invalid', 'the catalog file is the database of another program')
    })
    .deferred()
}

function isEmpty(database: Database): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
}
