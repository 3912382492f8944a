import { type AuditEntry, type AuditQuery, type AuditRecord } from './catalog.ts'
import { auditFromRow, type AuditRow, auditToRow } from './rows.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'

const INSERT: Query<AuditRow> = {
  sql: `INSERT INTO audit (at, who, peer, request_id, action, outcome, repository, chart, version, detail)
        VALUES (@at, @who, @peer, @request_id, @action, @outcome, @repository, @chart, @version, @detail)`,
}

/** The conditions that a query may have, by the parameter that each needs. */
const CONDITIONS = {
  since: 'at >= @since',
  until: 'at < @until',
  who: 'who = @who',
  name: 'who_name = @name',
  repository: 'repository = @repository',
  action: 'action = @action',
  outcome: 'outcome = @outcome',
  refused: "outcome = 'refused'",
  beforeAt: '(at, id) < (@beforeAt, @beforeId)',
} as const

type Parameters = Readonly<Partial<Record<keyof typeof CONDITIONS | 'beforeId' | 'limit', string | number>>>

const PRUNE: Readonly<Record<'all' | 'reads', Query<{ olderThan: string; limit: number }>>> = {
  all: {
    sql: `DELETE FROM audit
          WHERE id IN (SELECT id FROM audit WHERE at < @olderThan ORDER BY at LIMIT @limit)`,
  },
  reads: {
    sql: `DELETE FROM audit
          WHERE id IN (SELECT id FROM audit INDEXED BY audit_reads
                       WHERE action = 'read' AND outcome = 'done' AND at < @olderThan ORDER BY at LIMIT @limit)`,
  },
}

export function appendAudit(tx: Writer, ...entries: readonly AuditEntry[]): void {
  for (const entry of entries) tx.run(INSERT, auditToRow(entry))
}

export function listAudit(tx: Reader, query: AuditQuery): AuditRecord[] {
  const parameters = parametersOf(query)
  const conditions = Object.entries(CONDITIONS).filter(([name]) => name in parameters)
  const where = conditions.length === 0 ? '' : `WHERE ${conditions.map(([, sql]) => sql).join(' AND ')}`
  const listing: Query<Parameters, AuditRow & { readonly id: number }> = {
    sql: `SELECT id, at, who, peer, request_id, action, outcome, repository, chart, version, detail
          FROM audit ${where} ORDER BY at DESC, id DESC LIMIT @limit`,
  }
  return tx.all(listing, parameters).map(auditFromRow)
}

/** Returns how many rows it has removed: as many as the limit when there may be more. */
export function pruneAudit(tx: Writer, which: 'all' | 'reads', olderThan: Date, limit: number): number {
  return tx.run(PRUNE[which], { olderThan: olderThan.toISOString(), limit })
}

/** Those that are given, and no others: each makes a condition. */
function parametersOf({
  since,
  until,
  who,
  repository,
  action,
  outcome,
  before,
  limit,
}: AuditQuery): Parameters {
  return {
    ...(since && { since: since.toISOString() }),
    ...(until && { until: until.toISOString() }),
    ...(who !== undefined && namesOf(who)),
    ...(repository !== undefined && { repository }),
    ...(action && { action }),
    // Spelled out, it has its own indexes.
    ...(outcome && (outcome === 'refused' ? { refused: outcome } : { outcome })),
    ...(before && { beforeAt: before.at.toISOString(), beforeId: before.id }),
    limit,
  }
}

/** The column `who_name` has the index; the whole name, where it was given, narrows what that finds. */
function namesOf(who: string): Parameters {
  const [, name] = /^.*?:"(.*)"$/s.exec(who) ?? []
  return name === undefined ? { name: who } : { name, who }
}
