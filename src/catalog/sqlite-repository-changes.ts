import { type RepositoryName } from '../chart/repository-name.ts'
import { type Actor } from './catalog.ts'
import { type RepositoryRow } from './rows.ts'
import { appendAudit } from './sqlite-audit.ts'
import { type Query, type Writer } from './sqlite-connection.ts'
import { findRepositoryRow } from './sqlite-repositories.ts'

/**
 * Renaming and deleting. An index is cached by its repository's name and revision, so a name's revision must never go
 * back: what a name had when it was given up is kept, and whoever takes the name goes on from there.
 */

const GIVE_UP_NAME: Query<{ name: string; revision: number }> = {
  sql: `INSERT INTO former_repositories (name, revision) VALUES (@name, @revision)
        ON CONFLICT (name) DO UPDATE SET revision = excluded.revision`,
}

const LAST_REVISION: Query<{ name: string }, { revision: number }> = {
  sql: 'SELECT revision FROM former_repositories WHERE name = @name',
}

const RENAME: Query<{ id: number; name: string; revision: number; at: string }> = {
  sql: 'UPDATE repositories SET name = @name, revision = @revision, changed_at = @at WHERE id = @id',
}

/** In the order of their references. */
const DELETE: readonly Query<{ id: number }>[] = [
  { sql: 'DELETE FROM provenance WHERE version_id IN (SELECT id FROM versions WHERE repository_id = @id)' },
  { sql: 'DELETE FROM versions WHERE repository_id = @id' },
  { sql: 'DELETE FROM offers WHERE repository_id = @id' },
  { sql: 'DELETE FROM upstreams WHERE repository_id = @id' },
  { sql: 'DELETE FROM changes WHERE repository_id = @id' },
  { sql: 'DELETE FROM repositories WHERE id = @id' },
]

const FORGET_CHANGES: Query<{ id: number }> = { sql: 'DELETE FROM changes WHERE repository_id = @id' }

export function renameRepository(
  tx: Writer,
  from: RepositoryName,
  to: RepositoryName,
  by: Actor,
): 'renamed' | 'repository-unknown' | 'name-taken' {
  const repository = findRepositoryRow(tx, from)
  if (repository === undefined) return 'repository-unknown'
  if (findRepositoryRow(tx, to) !== undefined) return 'name-taken'
  const former = tx.get(LAST_REVISION, { name: to })?.revision ?? 0
  const revision = Math.max(repository.revision, former) + 1
  tx.run(GIVE_UP_NAME, { name: from, revision })
  tx.run(RENAME, { id: repository.id, name: to, revision, at: by.at.toISOString() })
  // What it says is about a past under another name: readers of the new one start from the whole index.
  tx.run(FORGET_CHANGES, { id: repository.id })
  appendAudit(tx, {
    ...by,
    action: 'rename-repository',
    outcome: 'done',
    repository: from,
    detail: `is now ${to}`,
  })
  return 'renamed'
}

export function deleteRepository(
  tx: Writer,
  name: RepositoryName,
  versions: 'delete' | 'refuse',
  by: Actor,
): 'deleted' | 'repository-unknown' | 'not-empty' {
  const repository = findRepositoryRow(tx, name)
  if (repository === undefined) return 'repository-unknown'
  if (repository.live_versions > 0 && versions === 'refuse') return 'not-empty'
  tx.run(GIVE_UP_NAME, { name, revision: repository.revision })
  for (const statement of DELETE) tx.run(statement, { id: repository.id })
  appendAudit(tx, {
    ...by,
    action: 'delete-repository',
    outcome: 'done',
    repository: name,
    detail: describeContent(repository),
  })
  return 'deleted'
}

function describeContent({ live_versions: versions, live_bytes: bytes }: RepositoryRow): string {
  return versions === 0 ? 'it was empty' : `with ${versions} versions (${bytes} bytes)`
}
