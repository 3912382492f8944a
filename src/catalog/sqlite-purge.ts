import { type Digest } from '../chart/digest.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type Actor, type Purged, type PurgeScope, type VersionId } from './catalog.ts'
import { appendAudit } from './sqlite-audit.ts'
import { condemnAtOnce } from './sqlite-blobs.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'
import { rejectContent } from './sqlite-offer-changes.ts'
import { forgetProvenance } from './sqlite-provenance.ts'
import { logChange } from './sqlite-repositories.ts'

/** A version, live or withdrawn, whose content is purged. */
interface CopyRow {
  readonly id: number
  readonly repository: RepositoryName
  readonly name: ChartName
  readonly version: ChartVersion
  readonly digest: Digest
  readonly content_digest: Digest
  readonly withdrawn_at: string | null
}

/** Two look-ups by digest, as live versions and tombstones have an index each. */
const FIND_COPIES: Query<{ digest: string; repository: string | null }, CopyRow> = {
  sql: `WITH contents AS (
          SELECT content_digest FROM versions WHERE digest = @digest AND withdrawn_at IS NULL
          UNION
          SELECT content_digest FROM versions WHERE digest = @digest AND withdrawn_at IS NOT NULL
        )
        SELECT v.id, r.name AS repository, v.name, v.version, v.digest, v.content_digest, v.withdrawn_at
        FROM versions v JOIN repositories r ON r.id = v.repository_id
        WHERE v.content_digest IN (SELECT content_digest FROM contents)
          AND (@repository IS NULL OR r.name = @repository)
        ORDER BY r.name, v.id`,
}

const PROVENANCE_OF: Query<{ versionId: number }, { digest: Digest }> = {
  sql: 'SELECT digest FROM provenance WHERE version_id = @versionId',
}

/** A tombstone stays one, by whom and since when it was; what the index said of it goes. */
const ERASE: Query<{ versionId: number; at: string; by: string }> = {
  sql: `UPDATE versions
        SET fragment = '', withdrawn_at = coalesce(withdrawn_at, @at), withdrawn_by = coalesce(withdrawn_by, @by)
        WHERE id = @versionId`,
}

const BAN: Query<{
  repository: string | null
  digest: string
  contentDigest: string
  at: string
  by: string
  reason: string
}> = {
  sql: `INSERT INTO purged (repository, digest, content_digest, purged_at, purged_by, reason)
        VALUES (@repository, @digest, @contentDigest, @at, @by, @reason)`,
}

const FIND_BAN: Query<{ repository: string; digest: string; contentDigest: string }, { id: number }> = {
  sql: `SELECT id FROM purged
        WHERE (digest = @digest OR content_digest = @contentDigest)
          AND (repository IS NULL OR repository = @repository)
        LIMIT 1`,
}

/** One call of `Catalog.purge`. */
export interface Purging {
  readonly digest: Digest
  readonly scope: PurgeScope
  readonly by: Actor
}

export function purge(tx: Writer, purging: Purging): Purged {
  const { digest, scope, by } = purging
  const repository = scope.repository === 'everywhere' ? null : scope.repository
  const copies = tx.all(FIND_COPIES, { digest, repository })
  const blobs = new Set([digest, ...copies.flatMap((copy) => blobsOf(tx, copy))])
  const live = copies.filter(({ withdrawn_at: withdrawnAt }) => withdrawnAt === null)
  for (const copy of copies) erase(tx, copy, by)
  for (const copy of live) recordPurge(tx, copy, purging)
  if (live.length === 0) auditDigest(tx, purging)
  rejectContent(tx, { digest, repository, by })
  // Other bytes of the same members are found by these; of bytes that no version has had, nothing else is known.
  for (const contentDigest of new Set([...copies.map((copy) => copy.content_digest), digest])) {
    const at = by.at.toISOString()
    tx.run(BAN, { repository, digest, contentDigest, at, by: by.who, reason: scope.reason })
  }
  return { versions: live.map(idOf), blobs: condemnAtOnce(tx, [...blobs], by.at) }
}

export function isPurged(
  tx: Reader,
  {
    repository,
    digest,
    contentDigest,
  }: { readonly repository: RepositoryName; readonly digest: Digest; readonly contentDigest: Digest },
): boolean {
  return tx.get(FIND_BAN, { repository, digest, contentDigest }) !== undefined
}

/** Its archive and all provenance files that it has had. */
function blobsOf(tx: Reader, { id, digest }: CopyRow): Digest[] {
  return [digest, ...tx.all(PROVENANCE_OF, { versionId: id }).map((row) => row.digest)]
}

function erase(tx: Writer, { id }: CopyRow, by: Actor): void {
  tx.run(ERASE, { versionId: id, at: by.at.toISOString(), by: by.who })
  forgetProvenance(tx, id)
}

function recordPurge(tx: Writer, copy: CopyRow, { scope, by }: Purging): void {
  const { repository, name: chart, version } = copy
  logChange(tx, 'delete', idOf(copy), by)
  appendAudit(tx, {
    ...by,
    action: 'purge',
    outcome: 'done',
    repository,
    chart,
    version,
    detail: scope.reason,
  })
}

function auditDigest(tx: Writer, { digest, scope, by }: Purging): void {
  const where = scope.repository === 'everywhere' ? {} : { repository: scope.repository }
  const detail = `sha256:${digest}: ${scope.reason}`
  appendAudit(tx, { ...by, ...where, action: 'purge', outcome: 'done', detail })
}

function idOf({ repository, name, version }: CopyRow): VersionId {
  return { repository, name, version }
}
