import { type AuditEntry } from './catalog.ts'
import { auditFromRow, type AuditRow, auditToRow } from './rows.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'

const INSERT: Query<AuditRow> = {
  sql: `INSERT INTO audit (at, who, peer, request_id, action, outcome, repository, chart, version, detail)
        VALUES (@at, @who, @peer, @request_id, @action, @outcome, @repository, @chart, @version, @detail)`,
}

const NEWEST: Query<{ limit: number }, AuditRow> = {
  sql: `SELECT at, who, peer, request_id, action, outcome, repository, chart, version, detail
        FROM audit ORDER BY id DESC LIMIT @limit`,
}

export function appendAudit(tx: Writer, entry: AuditEntry): void {
  tx.run(INSERT, auditToRow(entry))
}

export function listAudit(tx: Reader, limit: number): AuditEntry[] {
  return tx.all(NEWEST, { limit }).map(auditFromRow)
}
