import { type RepositoryName } from '../chart/repository-name.ts'
import { type Actor, type AuditAction, type RepositoryRecord, type VersionId } from './catalog.ts'
import { repositoryFromRow, type RepositoryRow } from './rows.ts'
import { appendAudit } from './sqlite-audit.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'

/** What a change to a version can be; the words are those of the audit trail. */
type VersionChange = Extract<AuditAction, 'publish' | 'overwrite' | 'delete' | 'attach-provenance'>

/** What a change to a repository's index can be: also an offer that is in it now, or no more. */
type ChangeKind = VersionChange | 'offer' | 'retract'

const INSERT: Query<{ name: string; at: string }> = {
  sql: `INSERT INTO repositories (name, revision, created_at, changed_at)
        VALUES (@name, coalesce((SELECT revision + 1 FROM former_repositories WHERE name = @name), 0), @at, @at)
        ON CONFLICT (name) DO NOTHING`,
}

const SELECT_REPOSITORY = `
  SELECT id, name, revision, created_at, changed_at, live_versions, live_bytes FROM repositories`

const FIND: Query<{ name: string }, RepositoryRow> = { sql: `${SELECT_REPOSITORY} WHERE name = @name` }

const BY_NAME: Query<object, RepositoryRow> = { sql: `${SELECT_REPOSITORY} ORDER BY name` }

const RAISE_REVISION: Query<{ name: string; at: string }> = {
  sql: 'UPDATE repositories SET revision = revision + 1, changed_at = @at WHERE name = @name',
}

interface ChangeParameters {
  readonly repository: string
  readonly kind: ChangeKind
  readonly chart: string
  readonly version: string
  readonly at: string
  readonly by: string
}

const INSERT_CHANGE: Query<ChangeParameters> = {
  sql: `INSERT INTO changes (repository_id, revision, kind, chart, version, changed_at, changed_by)
        SELECT id, revision, @kind, @chart, @version, @at, @by FROM repositories WHERE name = @repository`,
}

export function createRepository(tx: Writer, name: RepositoryName, by: Actor): 'created' | 'exists' {
  if (tx.run(INSERT, { name, at: by.at.toISOString() }) === 0) return 'exists'
  appendAudit(tx, { ...by, action: 'create-repository', outcome: 'done', repository: name })
  return 'created'
}

export function findRepository(tx: Reader, name: RepositoryName): RepositoryRecord | undefined {
  const row = findRepositoryRow(tx, name)
  return row && repositoryFromRow(row)
}

export function findRepositoryRow(tx: Reader, name: RepositoryName): RepositoryRow | undefined {
  return tx.get(FIND, { name })
}

export function listRepositories(tx: Reader): RepositoryRecord[] {
  return tx.all(BY_NAME, {}).map(repositoryFromRow)
}

/** What every change to a version does besides: the revision, the change log and the audit trail. */
export function recordChange(tx: Writer, kind: VersionChange, id: VersionId, by: Actor): void {
  const { repository, name: chart, version } = id
  logChange(tx, kind, id, by)
  appendAudit(tx, { ...by, action: kind, outcome: 'done', repository, chart, version })
}

/** Without the audit row, for a change that has one of its own. */
export function logChange(tx: Writer, kind: ChangeKind, id: VersionId, by: Actor): void {
  const { repository, name: chart, version } = id
  const at = by.at.toISOString()
  tx.run(RAISE_REVISION, { name: repository, at })
  tx.run(INSERT_CHANGE, { repository, kind, chart, version, at, by: by.who })
}

/** The audit row of a change that found everything as it should be. */
export function recordUnchanged(tx: Writer, kind: VersionChange, id: VersionId, by: Actor): void {
  const { repository, name: chart, version } = id
  appendAudit(tx, { ...by, action: kind, outcome: 'unchanged', repository, chart, version })
}
