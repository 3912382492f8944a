import { type Digest } from '../chart/digest.ts'
import { type BlobMarks } from './catalog.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'

/**
 * How gc and publishes keep out of each other's way. A blob is `live` from the moment a row names it; gc turns one that
 * no row names into `condemned`, after the grace period into `deleting` while it removes the bytes, then into
 * `deleted`, and counts the removal. A publish that reads the count before it commits its bytes, and finds it the same
 * when it records them, knows that its bytes are still there.
 */

export interface NamedBlob {
  readonly digest: Digest
  readonly size: number
}

/**
 * How long the caller of `condemnBlobs` may take to delete what it was given: then its process counts as dead, and the
 * blobs are given to the next caller. Deleting a batch takes seconds.
 */
const DELETION_LEASE_MS = 60 * 60 * 1000

interface BlobRow {
  readonly digest: Digest
  readonly state: 'live' | 'condemned' | 'deleting' | 'deleted'
  readonly removals: number
}

const FIND: Query<{ digests: string }, BlobRow> = {
  sql: `SELECT digest, state, removals FROM blobs
        WHERE digest IN (SELECT value FROM json_each(@digests))`,
}

const PIN: Query<NamedBlob> = {
  sql: `INSERT INTO blobs (digest, size, state) VALUES (@digest, @size, 'live')
        ON CONFLICT (digest) DO UPDATE
        SET size = excluded.size, state = 'live', condemned_at = NULL, deleting_at = NULL`,
}

const CONDEMN: Query<{ digests: string; now: string }> = {
  sql: `INSERT INTO blobs (digest, state, condemned_at)
        SELECT value, 'condemned', @now FROM json_each(@digests)
        WHERE NOT EXISTS (SELECT 1 FROM versions WHERE digest = value AND withdrawn_at IS NULL)
          AND NOT EXISTS (SELECT 1 FROM provenance WHERE digest = value)
        ON CONFLICT (digest) DO UPDATE
        SET state = 'condemned', condemned_at = excluded.condemned_at WHERE state IN ('live', 'deleted')`,
}

const HAND_OUT: Query<{ digests: string; now: string; condemnedBefore: string }, { digest: Digest }> = {
  sql: `UPDATE blobs SET state = 'deleting', deleting_at = @now
        WHERE digest IN (SELECT value FROM json_each(@digests))
          AND state = 'condemned' AND condemned_at < @condemnedBefore
        RETURNING digest`,
}

/** Also what another call is deleting: the bytes are to be gone when this one's caller is done. */
const HAND_OUT_AT_ONCE: Query<{ digests: string; now: string }, { digest: Digest }> = {
  sql: `UPDATE blobs SET state = 'deleting', deleting_at = @now
        WHERE digest IN (SELECT value FROM json_each(@digests)) AND state IN ('condemned', 'deleting')
        RETURNING digest`,
}

const HAND_OUT_AGAIN: Query<{ now: string; leaseEnd: string }, { digest: Digest }> = {
  sql: `UPDATE blobs SET deleting_at = @now WHERE state = 'deleting' AND deleting_at < @leaseEnd
        RETURNING digest`,
}

const COUNT_REMOVALS: Query<{ digests: string }> = {
  sql: `UPDATE blobs
        SET state = 'deleted', removals = removals + 1, condemned_at = NULL, deleting_at = NULL
        WHERE digest IN (SELECT value FROM json_each(@digests)) AND state = 'deleting'`,
}

/** Live versions name their archives and all their provenance files, the replaced ones too. */
const REFERENCED_AFTER: Query<{ after: string; limit: number }, { digest: Digest }> = {
  sql: `SELECT digest FROM versions WHERE withdrawn_at IS NULL AND digest > @after
        UNION SELECT digest FROM provenance WHERE digest > @after
        ORDER BY digest LIMIT @limit`,
}

export function markBlobs(tx: Reader, digests: readonly Digest[]): BlobMarks {
  const known = new Map(findBlobs(tx, digests).map((row) => [row.digest, row.removals]))
  return new Map(digests.map((digest) => [digest, known.get(digest) ?? 0]))
}

/** Whether gc has removed one of the blobs since it was marked, or is about to. */
export function haveBlobsMoved(tx: Reader, blobs: readonly NamedBlob[], seen: BlobMarks): boolean {
  const known = new Map(
    findBlobs(
      tx,
      blobs.map(({ digest }) => digest),
    ).map((row) => [row.digest, row]),
  )
  return blobs.some(({ digest }) => {
    const { state, removals } = known.get(digest) ?? UNKNOWN
    return state === 'deleting' || removals !== (seen.get(digest) ?? 0)
  })
}

/** To be called in the transaction that writes a row with these blobs' names. */
export function pinBlobs(tx: Writer, blobs: readonly NamedBlob[]): void {
  for (const { digest, size } of blobs) tx.run(PIN, { digest, size })
}

export function condemnBlobs(
  tx: Writer,
  candidates: readonly Digest[],
  { now, condemnedBefore }: { readonly now: Date; readonly condemnedBefore: Date },
): Digest[] {
  const digests = JSON.stringify(candidates)
  const at = now.toISOString()
  const leaseEnd = new Date(now.getTime() - DELETION_LEASE_MS).toISOString()
  tx.run(CONDEMN, { digests, now: at })
  const condemned = tx.all(HAND_OUT, { digests, now: at, condemnedBefore: condemnedBefore.toISOString() })
  const abandoned = tx.all(HAND_OUT_AGAIN, { now: at, leaseEnd })
  return [...condemned, ...abandoned].map((row) => row.digest)
}

/** Marks those that no live version names as being deleted, without a grace period, and returns them. */
export function condemnAtOnce(tx: Writer, candidates: readonly Digest[], now: Date): Digest[] {
  const parameters = { digests: JSON.stringify(candidates), now: now.toISOString() }
  tx.run(CONDEMN, parameters)
  return tx.all(HAND_OUT_AT_ONCE, parameters).map((row) => row.digest)
}

export function blobsDeleted(tx: Writer, digests: readonly Digest[]): void {
  tx.run(COUNT_REMOVALS, { digests: JSON.stringify(digests) })
}

/** Up to `limit` digests above `after`, in order. */
export function listReferencedBlobs(tx: Reader, after: string, limit: number): Digest[] {
  return tx.all(REFERENCED_AFTER, { after, limit }).map((row) => row.digest)
}

/** A blob that has no row yet. */
const UNKNOWN = { state: 'live', removals: 0 } as const

function findBlobs(tx: Reader, digests: readonly Digest[]): BlobRow[] {
  return tx.all(FIND, { digests: JSON.stringify(digests) })
}
