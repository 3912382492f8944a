import { type Digest } from '../chart/digest.ts'
import { type Actor, type BlobMarks, type NewProvenance, type VersionId } from './catalog.ts'
import { haveBlobsMoved, pinBlobs } from './sqlite-blobs.ts'
import { type Query, type Writer } from './sqlite-connection.ts'
import { recordChange, recordUnchanged } from './sqlite-repositories.ts'
import { findVersionRow, type IdParameters } from './sqlite-versions.ts'

interface ProvenanceParameters extends IdParameters {
  readonly digest: string
  readonly size: number
  readonly origin: NewProvenance['origin']
  readonly at: string
  readonly by: string
}

const INSERT: Query<ProvenanceParameters> = {
  sql: `INSERT INTO provenance (version_id, digest, size, origin, recorded_at, recorded_by)
        SELECT v.id, @digest, @size, @origin, @at, @by
        FROM versions v JOIN repositories r ON r.id = v.repository_id
        WHERE r.name = @repository AND v.name = @name AND v.version = @version`,
}

const FORGET: Query<{ versionId: number }> = { sql: 'DELETE FROM provenance WHERE version_id = @versionId' }

/** One call of `Catalog.replaceProvenance`. */
export interface Replacement {
  readonly id: VersionId
  readonly archive: Digest
  readonly provenance: NewProvenance
  readonly seenBlobs: BlobMarks
  readonly by: Actor
}

export function replaceProvenance(
  tx: Writer,
  { id, archive, provenance, seenBlobs, by }: Replacement,
): 'replaced' | 'unchanged' | 'version-unknown' | 'archive-changed' | 'blob-moved' {
  const stored = findVersionRow(tx, id)
  if (stored === undefined) return 'version-unknown'
  if (stored.digest !== archive) return 'archive-changed'
  if (stored.provenance_digest === provenance.digest) {
    recordUnchanged(tx, 'attach-provenance', id, by)
    return 'unchanged'
  }
  if (haveBlobsMoved(tx, [provenance], seenBlobs)) return 'blob-moved'

  insertProvenance(tx, id, provenance, by)
  pinBlobs(tx, [provenance])
  recordChange(tx, 'attach-provenance', id, by)
  return 'replaced'
}

/** The newest row is the one in force. */
export function insertProvenance(tx: Writer, id: VersionId, provenance: NewProvenance, by: Actor): void {
  const { repository, name, version } = id
  const { digest, size, origin } = provenance
  tx.run(INSERT, { repository, name, version, digest, size, origin, at: by.at.toISOString(), by: by.who })
}

/** For a version whose archive goes: its provenance says nothing about another one. */
export function forgetProvenance(tx: Writer, versionId: number): void {
  tx.run(FORGET, { versionId })
}
