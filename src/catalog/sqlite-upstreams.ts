import { type RepositoryName } from '../chart/repository-name.ts'
import { type OpenedUpstream, type UpstreamReading, type UpstreamRecord } from './offers.ts'
import { type Query, type Writer } from './sqlite-connection.ts'
import { SELECT_UPSTREAM } from './sqlite-offer-lookup.ts'
import { upstreamFromRow, type UpstreamRow } from './sqlite-offer-rows.ts'

interface OfUpstream {
  readonly repository: string
  readonly name: string
}

const REPOSITORY_ID = '(SELECT id FROM repositories WHERE name = @repository)'
const OF_UPSTREAM = `repository_id = ${REPOSITORY_ID} AND name = @name`

const OPEN: Query<OfUpstream & { url: string; listed: number }> = {
  sql: `INSERT INTO upstreams (repository_id, name, url, listed)
        SELECT id, @name, @url, @listed FROM repositories WHERE name = @repository
        ON CONFLICT (repository_id, name) DO UPDATE SET url = excluded.url, listed = excluded.listed`,
}

const FIND: Query<OfUpstream, UpstreamRow> = { sql: `${SELECT_UPSTREAM} AND u.name = @name` }

const FORGET: Query<OfUpstream> = { sql: `DELETE FROM upstreams WHERE ${OF_UPSTREAM}` }

interface Counts {
  readonly at: string
  readonly entries: number
  readonly refused: number
}

interface Validators {
  readonly etag: string | null
  readonly lastModified: string | null
  readonly digest: string | null
  readonly settings: string
}

const CHANGED: Query<OfUpstream & Counts> = {
  sql: `UPDATE upstreams
        SET checked_at = @at, changed_at = @at, entries = @entries, refused = @refused, error = NULL, error_at = NULL
        WHERE ${OF_UPSTREAM}`,
}

const UNCHANGED: Query<OfUpstream & { at: string }> = {
  sql: `UPDATE upstreams SET checked_at = @at, error = NULL, error_at = NULL WHERE ${OF_UPSTREAM}`,
}

const VALIDATE: Query<OfUpstream & Validators> = {
  sql: `UPDATE upstreams SET etag = @etag, last_modified = @lastModified, digest = @digest, settings = @settings
        WHERE ${OF_UPSTREAM}`,
}

const FAILED: Query<OfUpstream & { at: string; reason: string }> = {
  sql: `UPDATE upstreams SET error = @reason, error_at = @at WHERE ${OF_UPSTREAM}`,
}

export function openUpstream(
  tx: Writer,
  repository: RepositoryName,
  { name, url, listed }: OpenedUpstream,
): UpstreamRecord | 'repository-unknown' {
  tx.run(OPEN, { repository, name, url, listed: listed ? 1 : 0 })
  const row = tx.get(FIND, { repository, name })
  return row === undefined ? 'repository-unknown' : upstreamFromRow(row)
}

export function forgetUpstream(tx: Writer, repository: RepositoryName, name: string): void {
  tx.run(FORGET, { repository, name })
}

export function noteReading(
  tx: Writer,
  { repository, name }: { readonly repository: RepositoryName; readonly name: string },
  reading: UpstreamReading,
): void {
  const at = reading.at.toISOString()
  if (reading.kind === 'failed') {
    tx.run(FAILED, { repository, name, at, reason: reading.reason })
    return
  }
  if (reading.kind === 'unchanged') tx.run(UNCHANGED, { repository, name, at })
  else tx.run(CHANGED, { repository, name, at, entries: reading.entries, refused: reading.refused })
  if (reading.validators === undefined) return
  const { etag = null, lastModified = null, digest = null, settings } = reading.validators
  tx.run(VALIDATE, { repository, name, etag, lastModified, digest, settings })
}
