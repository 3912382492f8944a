import Database from 'better-sqlite3'
import { AppError } from '../errors.ts'

/** Runs the function; an error of the driver comes out as an AppError. */
export function translating<T>(fn: () => T): T {
  try {
    return fn()
  } catch (error) {
    throw translateSqliteError(error)
  }
}

/** What leaves the folder in place of a driver's error. Other errors are left as they are. */
export function translateSqliteError(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  // Extended codes refine a primary one (https://sqlite.org/rescode.html): SQLITE_BUSY_SNAPSHOT is SQLITE_BUSY.
  switch (error.code.split('_', 2).join('_')) {
    case 'SQLITE_FULL':
      return new AppError('storage-full', 'the catalog has no room left on its disk', { cause: error })
    case 'SQLITE_BUSY':
      return new AppError('unavailable', 'the catalog is locked by another process', { cause: error })
    case 'SQLITE_READONLY':
      return new AppError('unavailable', 'the catalog can only be read', { cause: error })
    case 'SQLITE_NOTADB':
      return new AppError('config-invalid', 'the catalog file is not a SQLite database', { cause: error })
    default:
      return new AppError('unavailable', `the catalog failed (${error.code})`, { cause: error })
  }
}

export function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')
}
