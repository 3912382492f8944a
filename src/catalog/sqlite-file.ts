import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { makeDurableFolder } from '../ops/durable.ts'
import { AppError, isSystemError } from '../errors.ts'
import { checkCurrent, checkMigratable, migrate } from './migrate.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { isBusy, translateSqliteError } from './sqlite-errors.ts'

/**
 * How long a reader waits where it has to, which is only while another process recovers the write-ahead log: the wait
 * stops this whole process.
 */
const READER_TIMEOUT_MS = 3_000

/** At the start another process may be migrating the catalog, and nobody is being served yet. */
const STARTUP_TIMEOUT_MS = 30_000

const WAL_RETRY_MS = 20

/** Creates the catalog if there is none, and brings it to this program's schema. */
export async function openWriter(file: string): Promise<SqliteConnection> {
  await createFile(file)
  const database = connect(file, { timeout: STARTUP_TIMEOUT_MS })
  try {
    checkMigratable(database)
    await switchToWal(database)
    // The driver's build lowers this to NORMAL in WAL mode, which may lose the last commits in a power cut.
    database.pragma('synchronous = FULL')
    database.pragma('foreign_keys = ON')
    migrate(database)
    // Waiting is the write queue's business: SQLite's own would stop the process.
    database.pragma('busy_timeout = 0')
    return new SqliteConnection(database)
  } catch (error) {
    database.close()
    throw translateSqliteError(error)
  }
}

export function openReader(file: string): SqliteConnection {
  const database = connect(file, { timeout: READER_TIMEOUT_MS, readonly: true })
  try {
    checkCurrent(database)
    return new SqliteConnection(database)
  } catch (error) {
    database.close()
    throw translateSqliteError(error)
  }
}

/** The one statement for whose lock SQLite does not wait: two processes that open a new catalog collide here. */
export async function switchToWal(database: Database.Database): Promise<void> {
  const deadline = Date.now() + STARTUP_TIMEOUT_MS
  while (!triedWal(database, deadline)) await setTimeout(WAL_RETRY_MS)
}

function triedWal(database: Database.Database, deadline: number): boolean {
  try {
    const mode = database.pragma('journal_mode = WAL', { simple: true })
    if (mode === 'wal') return true
  } catch (error) {
    if (isBusy(error) && Date.now() < deadline) return false
    throw error
  }
  throw new AppError('config-invalid', 'the catalog needs a local disk: its file system has no shared memory')
}

function connect(file: string, options: Database.Options): Database.Database {
  try {
    return new Database(file, options)
  } catch (error) {
    throw new AppError('config-invalid', 'the catalog file cannot be opened', { cause: error })
  }
}

/** SQLite would create the file with the process's umask; its -wal and -shm files take over the mode. */
async function createFile(file: string): Promise<void> {
  try {
    await makeDurableFolder(dirname(file))
    const handle = await open(file, 'ax', 0o600)
    await handle.close()
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) return
    throw new AppError('config-invalid', 'the catalog file cannot be created', { cause: error })
  }
}
