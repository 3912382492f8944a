import { type Digest } from '../chart/digest.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type Tombstone, type VersionCount, type VersionId, type VersionRecord } from './catalog.ts'
import { versionFromRow, type VersionRow } from './rows.ts'
import { type Query, type Reader } from './sqlite-connection.ts'

/** Live versions with their provenance in force. */
const SELECT_VERSION = `
  SELECT v.id, r.name AS repository, v.name, v.version, v.filename, v.digest, v.size, v.content_digest,
         v.reading, v.fragment, v.published_at, v.published_by, p.digest AS provenance_digest, p.size AS provenance_size,
         p.origin AS provenance_origin, p.recorded_at AS provenance_recorded_at
  FROM versions v
  JOIN repositories r ON r.id = v.repository_id
  JOIN provenance p ON p.id = (SELECT max(id) FROM provenance WHERE version_id = v.id)
  WHERE v.withdrawn_at IS NULL`

/** A version's names as parameters. */
export interface IdParameters {
  readonly repository: string
  readonly name: string
  readonly version: string
}

const FIND: Query<IdParameters, VersionRow> = {
  sql: `${SELECT_VERSION} AND r.name = @repository AND v.name = @name AND v.version = @version`,
}

const FIND_BY_FILENAME: Query<{ repository: string; filename: string }, VersionRow> = {
  sql: `${SELECT_VERSION} AND r.name = @repository AND v.filename = @filename`,
}

const OF_CHART: Query<{ repository: string; name: string }, VersionRow> = {
  sql: `${SELECT_VERSION} AND r.name = @repository AND v.name = @name ORDER BY v.sort_key DESC`,
}

const COUNT_BY_CHART: Query<{ repository: string }, VersionCount> = {
  sql: `SELECT v.name, count(*) AS versions
        FROM versions v JOIN repositories r ON r.id = v.repository_id
        WHERE r.name = @repository AND v.withdrawn_at IS NULL
        GROUP BY v.name ORDER BY v.name`,
}

const AFTER: Query<{ after: number; limit: number }, VersionRow> = {
  sql: `${SELECT_VERSION} AND v.id > @after ORDER BY v.id LIMIT @limit`,
}

/** What is recorded under a name and version, live or withdrawn. */
export interface ContentRow {
  readonly id: number
  readonly digest: Digest
  readonly content_digest: Digest
  readonly withdrawn_at: string | null
}

const FIND_CONTENT: Query<IdParameters, ContentRow> = {
  sql: `SELECT v.id, v.digest, v.content_digest, v.withdrawn_at
        FROM versions v JOIN repositories r ON r.id = v.repository_id
        WHERE r.name = @repository AND v.name = @name AND v.version = @version`,
}

export function findVersion(tx: Reader, id: VersionId): VersionRecord | undefined {
  const row = findVersionRow(tx, id)
  return row && versionFromRow(row)
}

export function findVersionRow(tx: Reader, { repository, name, version }: VersionId): VersionRow | undefined {
  return tx.get(FIND, { repository, name, version })
}

export function findByFilename(
  tx: Reader,
  repository: RepositoryName,
  filename: ArchiveFilename,
): VersionRecord | undefined {
  const row = tx.get(FIND_BY_FILENAME, { repository, filename })
  return row && versionFromRow(row)
}

export function findContent(tx: Reader, { repository, name, version }: VersionId): ContentRow | undefined {
  return tx.get(FIND_CONTENT, { repository, name, version })
}

export function findTombstone(tx: Reader, id: VersionId): Tombstone | undefined {
  const row = findContent(tx, id)
  return (
    row && { digest: row.digest, contentDigest: row.content_digest, withdrawn: row.withdrawn_at !== null }
  )
}

export function listVersions(tx: Reader, repository: RepositoryName, name: ChartName): VersionRecord[] {
  return tx.all(OF_CHART, { repository, name }).map(versionFromRow)
}

export function countVersions(tx: Reader, repository: RepositoryName): VersionCount[] {
  return tx.all(COUNT_BY_CHART, { repository })
}

/** Up to `limit` versions of all repositories with row ids above `after`, in order of id. */
export function listVersionRows(tx: Reader, after: number, limit: number): VersionRow[] {
  return tx.all(AFTER, { after, limit })
}
