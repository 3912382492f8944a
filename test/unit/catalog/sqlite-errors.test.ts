import { equal, ok, throws } from 'node:assert/strict'
import Database from 'better-sqlite3'
import { translateSqliteError, translating } from '../../../src/catalog/sqlite-errors.ts'
import { AppError } from '../../../src/errors.ts'

describe('translateSqliteError', () => {
  for (const [driverCode, code, message] of [
    ['SQLITE_FULL', 'storage-full', /no room left/],
    ['SQLITE_BUSY', 'unavailable', /locked by another process/],
    ['SQLITE_BUSY_SNAPSHOT', 'unavailable', /locked by another process/],
    ['SQLITE_READONLY', 'unavailable', /can only be read/],
    ['SQLITE_READONLY_DBMOVED', 'unavailable', /can only be read/],
    ['SQLITE_NOTADB', 'config-invalid', /not a SQLite database/],
    ['SQLITE_IOERR_FSYNC', 'unavailable', /failed \(SQLITE_IOERR_FSYNC\)/],
    ['SQLITE_CORRUPT', 'unavailable', /failed \(SQLITE_CORRUPT\)/],
    ['SQLITE_CONSTRAINT_UNIQUE', 'unavailable', /failed \(SQLITE_CONSTRAINT_UNIQUE\)/],
  ] as const) {
    it(`turns ${driverCode} into ${code} and keeps the cause`, () => {
      const cause = new Database.SqliteError('as the driver says it', driverCode)
      const failing = (): never => {
        throw cause
      }
      throws(() => translating(failing), { name: 'AppError', code, message, cause })
    })
  }

  it('leaves other errors as they are', () => {
    const defect = new TypeError('a defect')
    equal(translateSqliteError(defect), defect)
    const error = new AppError('request-invalid', 'said on purpose')
    ok(translateSqliteError(error) === error)
  })
})
