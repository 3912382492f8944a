import SqliteDatabase, { type Database, type Statement } from 'better-sqlite3'
import { AppError } from '../errors.ts'
import { isBusy, translateSqliteError, translating } from './sqlite-errors.ts'

/**
 * A statement with the types of its named parameters and of its rows; the two optional fields exist for the compiler
 * alone. Rows carry branded types: whatever is in the catalog went in through the parsers.
 */
export interface Query<Parameters extends object, Row = never> {
  readonly sql: string
  readonly parameters?: Parameters
  readonly row?: Row
}

export interface Reader {
  get<P extends object, Row>(query: Query<P, Row>, parameters: P): Row | undefined
  all<P extends object, Row>(query: Query<P, Row>, parameters: P): Row[]
  iterate<P extends object, Row>(query: Query<P, Row>, parameters: P): Iterable<Row>
}

/** What a write transaction is given: the only way to change the catalog. */
export interface Writer extends Reader {
  /** Returns how many rows it changed. */
  run<P extends object>(query: Query<P>, parameters: P): number
}

/**
 * One connection to the database. Every use is a transaction: `read` and `tryWrite` are synchronous, so no lock is ever
 * held across an `await`; `snapshot` may await and needs the connection for itself.
 */
export class SqliteConnection {
  readonly #database: Database
  readonly #statements: Statements

  constructor(database: Database) {
    this.#database = database
    this.#statements = new Statements(database)
  }

  read<T>(fn: (tx: Reader) => T): T {
    return translating(() =>
      this.#open()
        .transaction(() => fn(this.#statements))
        .deferred(),
    )
  }

  /** For a function that makes one statement: that is a transaction by itself, at half the cost. */
  readOne<T>(fn: (tx: Reader) => T): T {
    this.#open()
    return translating(() => fn(this.#statements))
  }

  /**
   * Takes the write lock first: a transaction that reads before it writes could not upgrade and would fail. Does nothing
   * where another connection has the lock.
   */
  tryWrite<T>(fn: (tx: Writer) => T): { readonly value: T } | 'locked' {
    const lock = { taken: false }
    const transaction = this.#open().transaction(() => {
      lock.taken = true
      return fn(this.#statements)
    })
    try {
      return { value: transaction.immediate() }
    } catch (error) {
      if (!lock.taken && isBusy(error)) return 'locked'
      throw translateSqliteError(error)
    }
  }

  async snapshot<T>(fn: (tx: Reader) => Promise<T>): Promise<T> {
    const database = this.#open()
    try {
      database.exec('BEGIN DEFERRED')
      return await fn(this.#statements)
    } catch (error) {
      throw translateSqliteError(error)
    } finally {
      if (database.inTransaction) database.exec('ROLLBACK')
    }
  }

  /**
   * Writes what is committed now to another file, with SQLite's online backup: in one step, since a backup in several
   * starts again whenever another process writes, and would not end beside a busy server. Readers and writers in other
   * processes go on meanwhile. The copy is one file, without a write-ahead log beside it.
   */
  async copyTo(file: string): Promise<void> {
    const database = this.#open()
    try {
      await database.backup(file, { progress: ({ remainingPages }) => remainingPages })
      const copy = new SqliteDatabase(file)
      copy.pragma('journal_mode = DELETE')
      copy.close()
    } catch (error) {
      throw translateSqliteError(error)
    }
  }

  close(): void {
    this.#database.close()
  }

  #open(): Database {
    if (!this.#database.open) throw new AppError('unavailable', 'the catalog is closed')
    return this.#database
  }
}

/** Prepares each statement once. */
class Statements implements Writer {
  readonly #database: Database
  readonly #prepared = new Map<string, Statement>()

  constructor(database: Database) {
    this.#database = database
  }

  get<P extends object, Row>(query: Query<P, Row>, parameters: P): Row | undefined {
    return this.#statement(query).get(parameters)
  }

  all<P extends object, Row>(query: Query<P, Row>, parameters: P): Row[] {
    return this.#statement(query).all(parameters)
  }

  iterate<P extends object, Row>(query: Query<P, Row>, parameters: P): Iterable<Row> {
    return this.#statement(query).iterate(parameters)
  }

  run<P extends object>(query: Query<P>, parameters: P): number {
    return this.#statement(query).run(parameters).changes
  }

  #statement<P extends object, Row>(query: Query<P, Row>): Statement<[P], Row> {
    const prepared = this.#prepared.get(query.sql) ?? this.#database.prepare(query.sql)
    this.#prepared.set(query.sql, prepared)
    return prepared as Statement<[P], Row>
  }
}
