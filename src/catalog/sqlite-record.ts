import { type ChartName } from '../chart/name.ts'
import { type ChartVersion, versionSortKey } from '../chart/version.ts'
import {
  type Actor,
  type NewVersion,
  type RecordOutcome,
  type RecordRules,
  type VersionRecord,
  type Withheld,
} from './catalog.ts'
import { isBeyondQuota } from './quota.ts'
import { type VersionRow, versionFromRow } from './rows.ts'
import { haveBlobsMoved, type NamedBlob, pinBlobs } from './sqlite-blobs.ts'
import { type Query, type Writer } from './sqlite-connection.ts'
import { isPurged } from './sqlite-purge.ts'
import { forgetProvenance, insertProvenance } from './sqlite-provenance.ts'
import { createRepository, findRepositoryRow, recordChange, recordUnchanged } from './sqlite-repositories.ts'
import { type ContentRow, findContent, findVersionRow } from './sqlite-versions.ts'

const FIND_OWNER: Query<
  { repository: string; filename: string },
  { name: ChartName; version: ChartVersion }
> = {
  sql: `SELECT v.name, v.version FROM versions v JOIN repositories r ON r.id = v.repository_id
        WHERE r.name = @repository AND v.filename = @filename`,
}

const INSERT: Query<NameParameters & ContentParameters> = {
  sql: `INSERT INTO versions (repository_id, name, version, sort_key, filename, digest, size, content_digest,
                              reading, published_at, published_by, fragment)
        SELECT id, @name, @version, @sortKey, @filename, @digest, @size, @contentDigest,
               @reading, @at, @by, @fragment
        FROM repositories WHERE name = @repository`,
}

/** A tombstone comes back to life. */
const UPDATE: Query<ContentParameters & { versionId: number }> = {
  sql: `UPDATE versions
        SET digest = @digest, size = @size, content_digest = @contentDigest, reading = @reading, fragment = @fragment,
            published_at = @at, published_by = @by, withdrawn_at = NULL, withdrawn_by = NULL
        WHERE id = @versionId`,
}

const FIND_OFFER: Query<
  { repository: string; name: string; version: string },
  { state: 'open' | 'held' | 'rejected'; isGone: number }
> = {
  sql: `SELECT o.state, o.gone_at IS NOT NULL AS isGone FROM offers o JOIN repositories r ON r.id = o.repository_id
        WHERE r.name = @repository AND o.name = @name AND o.version = @version`,
}

/** One call of `Catalog.recordVersion`. */
export interface Recording {
  readonly version: NewVersion
  readonly rules: RecordRules
  readonly by: Actor
}

export function recordVersion(tx: Writer, recording: Recording): RecordOutcome {
  const { version, rules } = recording
  const repository = findRepositoryRow(tx, version.repository)
  if (repository === undefined && rules.onUnknownRepository === 'refuse') {
    return { outcome: 'repository-unknown' }
  }
  if (isPurged(tx, version)) return { outcome: 'purged' }
  const live = findVersionRow(tx, version)
  if (live !== undefined) return recordOverLive(tx, live, recording)
  const withdrawn = findContent(tx, version)
  const why = rules.offer === 'required' ? findWithheld(tx, version, withdrawn) : undefined
  if (why !== undefined) return { outcome: 'withheld', why }
  if (withdrawn !== undefined) return recordOverTombstone(tx, withdrawn, recording)
  return recordFirst(tx, recording)
}

function findWithheld(
  tx: Writer,
  { repository, name, version }: NewVersion,
  withdrawn: ContentRow | undefined,
): Withheld | undefined {
  if (withdrawn !== undefined) return 'deleted'
  const offer = tx.get(FIND_OFFER, { repository, name, version })
  if (offer === undefined || offer.isGone === 1) return 'gone'
  return offer.state === 'open' ? undefined : offer.state
}

function recordFirst(tx: Writer, recording: Recording): RecordOutcome {
  const { version, by } = recording
  // The write lock is held: nobody takes the file name between this look and the insertion.
  const owner = tx.get(FIND_OWNER, { repository: version.repository, filename: version.filename })
  if (owner !== undefined) return { outcome: 'filename-taken', ...owner }
  const beyond = findExceededQuota(tx, recording, undefined)
  if (beyond !== undefined) return beyond
  if (haveBlobsMoved(tx, blobsOf(version), version.seenBlobs)) return { outcome: 'blob-moved' }

  createRepository(tx, version.repository, by)
  tx.run(INSERT, { ...contentParameters(recording), ...nameParameters(version) })
  return finish(tx, recording, 'created')
}

function recordOverLive(tx: Writer, live: VersionRow, recording: Recording): RecordOutcome {
  const { version, rules, by } = recording
  const isSame =
    version.digest === live.digest || (hasSameMembers(live, version) && rules.sameMembers === 'same')
  if (isSame) {
    recordUnchanged(tx, 'publish', version, by)
    return { outcome: 'unchanged', version: versionFromRow(live) }
  }
  if (rules.onOtherContent === 'refuse') return { outcome: 'exists', digest: live.digest, withdrawn: false }
  return findExceededQuota(tx, recording, live) ?? overwrite(tx, live.id, recording, 'replaced')
}

function recordOverTombstone(tx: Writer, tombstone: ContentRow, recording: Recording): RecordOutcome {
  const { version, rules } = recording
  const isSame = version.digest === tombstone.digest || hasSameMembers(tombstone, version)
  const comesBack = isSame || rules.tombstones === 'release'
  if (!comesBack && rules.onOtherContent === 'refuse')
    return { outcome: 'exists', digest: tombstone.digest, withdrawn: true }
  const outcome = comesBack ? 'created' : 'replaced'
  return findExceededQuota(tx, recording, undefined) ?? overwrite(tx, tombstone.id, recording, outcome)
}

/** `replaced` is the live version whose place the new one takes: it counts no more. */
function findExceededQuota(
  tx: Writer,
  { version, rules }: Recording,
  replaced: VersionRow | undefined,
): RecordOutcome | undefined {
  const repository = findRepositoryRow(tx, version.repository)
  const held = { versions: repository?.live_versions ?? 0, bytes: repository?.live_bytes ?? 0 }
  const added = { versions: replaced === undefined ? 1 : 0, bytes: version.size - (replaced?.size ?? 0) }
  return isBeyondQuota(rules.quota, held, added) ? { outcome: 'quota-exceeded', ...held } : undefined
}

function hasSameMembers(stored: Pick<ContentRow, 'content_digest'>, version: NewVersion): boolean {
  return stored.content_digest === version.contentDigest
}

function overwrite(
  tx: Writer,
  versionId: number,
  recording: Recording,
  outcome: 'created' | 'replaced',
): RecordOutcome {
  const { version } = recording
  if (haveBlobsMoved(tx, blobsOf(version), version.seenBlobs)) return { outcome: 'blob-moved' }

  forgetProvenance(tx, versionId)
  tx.run(UPDATE, { ...contentParameters(recording), versionId })
  return finish(tx, recording, outcome)
}

function finish(tx: Writer, { version, by }: Recording, outcome: 'created' | 'replaced'): RecordOutcome {
  insertProvenance(tx, version, version.provenance, by)
  pinBlobs(tx, blobsOf(version))
  recordChange(tx, outcome === 'created' ? 'publish' : 'overwrite', version, by)
  return { outcome, version: recordOf(version, by) }
}

function blobsOf({ digest, size, provenance }: NewVersion): readonly NamedBlob[] {
  return [
    { digest, size },
    { digest: provenance.digest, size: provenance.size },
  ]
}

function recordOf(version: NewVersion, by: Actor): VersionRecord {
  const {
    repository,
    name,
    version: text,
    filename,
    digest,
    size,
    contentDigest,
    reading,
    fragment,
  } = version
  return {
    repository,
    name,
    version: text,
    filename,
    digest,
    size,
    contentDigest,
    reading,
    fragment,
    publishedAt: by.at,
    publishedBy: by.who,
    provenance: { ...version.provenance, recordedAt: by.at },
  }
}

interface NameParameters {
  readonly repository: string
  readonly name: string
  readonly version: string
  readonly sortKey: string
  readonly filename: string
}

interface ContentParameters {
  readonly digest: string
  readonly size: number
  readonly contentDigest: string
  readonly reading: string
  readonly fragment: string
  readonly at: string
  readonly by: string
}

function nameParameters({ repository, name, version, filename }: NewVersion): NameParameters {
  return { repository, name, version, sortKey: versionSortKey(version), filename }
}

function contentParameters({ version, by }: Recording): ContentParameters {
  const { digest, size, contentDigest, reading, fragment } = version
  return { digest, size, contentDigest, reading, fragment, at: by.at.toISOString(), by: by.who }
}
