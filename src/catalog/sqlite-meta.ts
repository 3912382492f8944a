import { AppError } from '../errors.ts'
import { type Actor } from './catalog.ts'
import { appendAudit } from './sqlite-audit.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'

const EPOCH: Query<object, { value: string }> = { sql: `SELECT value FROM meta WHERE key = 'epoch'` }

const DATA_VERSION: Query<object, { data_version: number }> = { sql: 'PRAGMA data_version' }

const RENEW_EPOCH: Query<object> = {
  sql: `UPDATE meta SET value = lower(hex(randomblob(8))) WHERE key = 'epoch'`,
}

const TOUCH: Query<{ at: string }> = {
  sql: `INSERT INTO meta (key, value) VALUES ('checked-at', @at)
        ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
}

export function readEpoch(tx: Reader): string {
  const row = tx.get(EPOCH, {})
  if (row === undefined)
    throw new AppError('config-invalid', 'the catalog has lost its epoch: restore a backup')
  return row.value
}

/** Another number than before whenever another connection has committed anything, in whichever process. */
export function readDataVersion(tx: Reader): number {
  return tx.get(DATA_VERSION, {})?.data_version ?? 0
}

export function renewEpoch(tx: Writer, by: Actor): void {
  const detail = `epoch ${readEpoch(tx)} ends`
  tx.run(RENEW_EPOCH, {})
  appendAudit(tx, { ...by, action: 'restore', outcome: 'done', detail })
}

/** A write that says nothing about charts: proves that the catalog can be written. */
export function touch(tx: Writer, now: Date): void {
  tx.run(TOUCH, { at: now.toISOString() })
}
