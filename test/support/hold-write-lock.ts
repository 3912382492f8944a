import { setTimeout } from 'node:timers/promises'
import Database from 'better-sqlite3'

/** Holds the write lock of the database named on the command line for so many milliseconds, and says when it has it. */
const [file = '', ms = '0'] = process.argv.slice(2)
const database = new Database(file)
database.exec('BEGIN IMMEDIATE')
console.log('locked')
await setTimeout(Number(ms))
database.exec('ROLLBACK')
database.close()
