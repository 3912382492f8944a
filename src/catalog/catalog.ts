import { type ChartName } from '../chart/name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ArchiveReading } from '../chart/archive.ts'
import { type Digest } from '../chart/digest.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type RevocationReason } from '../pki/revocation-reason.ts'
import { type Actor, type VersionId } from './actor.ts'
import { type Offers } from './offers.ts'
import { type Outbox } from './outbox.ts'

export { type Actor, type VersionId } from './actor.ts'

/**
 * The truth about what is in which repository. Every method is one atomic, durable transaction or one consistent
 * snapshot: when it has resolved, every later call in any process sees its effect, and a crash at any instant leaves
 * all of it or nothing. A change to a version raises the repository's revision by one and records a row in its change
 * log and an audit row in the same transaction; what finds everything as it should be (`unchanged`) records an audit
 * row only, and every other outcome writes nothing: refusals are audited by the caller, who knows why. Outcomes that a
 * caller must tell apart are returned, not thrown; what is thrown is `storage-full`, or `unavailable` where nothing
 * else is said. A listing that is an AsyncIterable is read a batch at a time, each batch a snapshot: what is there
 * throughout is in it. Each sentence is proved for every implementation by test/contract/catalog.ts.
 */
export interface Catalog {
  /** Names this catalog's history: a new one when it was made anew or restored, so that no ETag outlives it. */
  readonly epoch: string
  /** What webhooks have still to be told of; of the same database. */
  readonly outbox: Outbox
  /** What the upstreams of mirrors offer; of the same database. */
  readonly offers: Offers

  /**
   * No repository is there from the start, the root one neither. A new one has an audit row and revision 0, or one more
   * than a repository of that name ever had: whoever has cached an index by name and revision never takes one for the
   * other.
   */
  createRepository(name: RepositoryName, by: Actor): Promise<'created' | 'exists'>
  findRepository(name: RepositoryName): Promise<RepositoryRecord | undefined>
  /** By name. */
  listRepositories(): Promise<readonly RepositoryRecord[]>
  /** With all that is in it. Its revision is then greater than any under either name; the change log starts anew. */
  renameRepository(
    from: RepositoryName,
    to: RepositoryName,
    by: Actor,
  ): Promise<'renamed' | 'repository-unknown' | 'name-taken'>
  /** With its tombstones; live versions go with it, or keep it from being deleted. Their blobs become garbage. */
  deleteRepository(
    name: RepositoryName,
    versions: 'delete' | 'refuse',
    by: Actor,
  ): Promise<'deleted' | 'repository-unknown' | 'not-empty'>

  /**
   * Adds the version, or finds it there already (see `RecordOutcome`). A withdrawn version comes back, as `created`,
   * with the content that it had: the same bytes, or the same members whatever the rules say of them. `seenBlobs` are
   * the marks that `markBlobs` gave before the blobs were committed: if gc has removed one of them since, or is about
   * to, nothing is written.
   */
  recordVersion(version: NewVersion, rules: RecordRules, by: Actor): Promise<RecordOutcome>

  /**
   * Leaves a tombstone: the name, version and file name stay taken, for this content or as the rules say; the blobs become garbage.
   * Returns what was withdrawn; `undefined`, when there is no such version.
   */
  withdrawVersion(id: VersionId, by: Actor): Promise<VersionRecord | undefined>

  /** Does so with all versions of the chart at once, each with its change and its audit row, the newest first. */
  withdrawChart(repository: RepositoryName, name: ChartName, by: Actor): Promise<readonly VersionRecord[]>

  /**
   * Replaces the version's provenance while its archive stays; what it replaces is kept as history. `unchanged` when
   * the provenance in force has the same digest.
   */
  replaceProvenance(
    id: VersionId,
    archive: Digest,
    provenance: NewProvenance,
    seenBlobs: BlobMarks,
    by: Actor,
  ): Promise<'replaced' | 'unchanged' | 'version-unknown' | 'archive-changed' | 'blob-moved'>

  /**
   * Withdraws, in the repository or everywhere, every version whose archive has these bytes or the same members as an
   * archive with these bytes, and forgets its index entry; `recordVersion` takes that content there no more, whatever
   * the rules. Audited with the reason, a row for each version, or one that names the digest. The blobs that nothing
   * names any more are marked as being deleted and returned: as with `condemnBlobs`, the caller deletes them at once.
   */
  purge(digest: Digest, scope: PurgeScope, by: Actor): Promise<Purged>
  /** Whether the repository may not have this content any more. */
  isPurged(content: {
    readonly repository: RepositoryName
    readonly digest: Digest
    readonly contentDigest: Digest
  }): Promise<boolean>

  findVersion(id: VersionId): Promise<VersionRecord | undefined>
  /** A download is looked up by the whole file name, never by splitting it. */
  findByFilename(repository: RepositoryName, filename: ArchiveFilename): Promise<VersionRecord | undefined>
  /** What is recorded under this name and version even if it is withdrawn: the content that it may come back with. */
  findTombstone(id: VersionId): Promise<Tombstone | undefined>

  /** The chart's versions, the newest first in SemVer order; empty when there is none. */
  listVersions(repository: RepositoryName, name: ChartName): Promise<readonly VersionRecord[]>

  /** How many versions each chart has, in order of name; a chart that has none is not counted. */
  countVersions(repository: RepositoryName): Promise<readonly VersionCount[]>
  /** The names of all charts that have a version or a tombstone here, in order; `undefined` for an unknown repository. */
  listChartNames(repository: RepositoryName): Promise<ChartNames | undefined>

  /**
   * Gives `read` the whole index in one snapshot, which lasts until what `read` returns has settled, and resolves with
   * that. `undefined` for an unknown repository.
   */
  readIndex<T>(
    repository: RepositoryName,
    read: (snapshot: IndexSnapshot) => Promise<T>,
  ): Promise<T | undefined>

  /**
   * What changed after `since`, in one snapshot. `too-old` when the change log does not reach back that far, or when so
   * much has changed that reading the whole index is less work.
   */
  readIndexSince(repository: RepositoryName, since: number): Promise<IndexChanges | 'too-old' | undefined>

  /**
   * Records an issued certificate. Doing so again changes nothing; another certificate of the issuer under the same
   * serial number rejects with `request-invalid`.
   */
  recordCertificate(certificate: CertificateRecord, by: Actor): Promise<void>
  /** In the order of issue. */
  listCertificates(): Promise<readonly KnownCertificate[]>
  /** Those that match all that is asked for, exactly, in the order of issue. */
  findCertificates(query: {
    readonly name?: string
    readonly serial?: string
  }): Promise<readonly KnownCertificate[]>

  /**
   * Revokes a certificate for good, recorded here or not, whoever issued it. One that is revoked already stays so with
   * the date and reason that it has.
   */
  revokeCertificate(
    certificate: CertificateId,
    reason: RevocationReason,
    by: Actor,
  ): Promise<{ readonly outcome: 'revoked' | 'unchanged'; readonly revocation: Revocation }>
  /** Everything revoked, by issuer and serial number. */
  listRevoked(): Promise<readonly RevokedCertificate[]>
  /** Greater after every revocation, in whatever process: cheap to ask for, to see whether `listRevoked` has news. */
  revocationRevision(): Promise<number>
  /** Notes when a recorded certificate was last used; an earlier time and an unknown certificate change nothing. */
  noteSeen(certificate: CertificateId, at: Date): Promise<void>

  /** What gc knows of these blobs now; to be taken before they are committed to the blob store. */
  markBlobs(digests: readonly Digest[]): Promise<BlobMarks>
  /**
   * The digests of all blobs that a live version names, each once: its archive, its provenance and those that were in
   * force before. A tombstone keeps no blob.
   */
  listReferencedBlobs(): AsyncIterable<Digest>
  /**
   * Condemns those of `candidates` that no live version names, and returns those that have been condemned since before
   * `condemnedBefore` and are now marked as being deleted. The caller deletes them at once and reports `blobsDeleted`;
   * until then no publish may use them. A blob is returned to one caller only, whatever runs at the same time; if that
   * one has not reported after an hour, its process counts as dead and any later call returns the blob again. Pass
   * some hundreds of candidates at a time: it is one transaction.
   */
  condemnBlobs(candidates: readonly Digest[], now: Date, condemnedBefore: Date): Promise<readonly Digest[]>
  /** Counts the removal of those that are marked as being deleted. The count outlives the blob. */
  blobsDeleted(digests: readonly Digest[]): Promise<void>

  /** Every live version with its provenance, a batch at a time, for fsck. */
  listAllVersions(): AsyncIterable<VersionRecord>

  /** All in one transaction, in their order. */
  appendAudit(...entries: readonly AuditEntry[]): Promise<void>
  /** What matches all that is asked for, the newest first; of the same time, the one recorded last. */
  listAudit(query: AuditQuery): Promise<readonly AuditRecord[]>
  /**
   * Removes what is older: `all`, or only the `reads` that were done. A batch at a time, each a transaction, so that it
   * holds up nobody. Returns how many it has removed.
   */
  pruneAudit(which: 'all' | 'reads', olderThan: Date): Promise<number>

  /** Gives the catalog another epoch, for a copy that goes its own way: to be opened anew after it. */
  renewEpoch(by: Actor): Promise<void>

  /** Rejects with `unavailable` when the catalog cannot be read and written. */
  check(): Promise<void>
  /** Later calls reject with `unavailable`. */
  close(): Promise<void>
}

export interface RepositoryRecord {
  readonly name: RepositoryName
  /** The number of its last change; 0 before the first. */
  readonly revision: number
  readonly changedAt: Date
  readonly createdAt: Date
  /** Of live versions, and how many bytes their archives have. */
  readonly versions: number
  readonly bytes: number
}

/** The most that a repository may hold, of live versions and of their archives' bytes; absent means any number. */
export interface Quota {
  readonly versions?: number | undefined
  readonly bytes?: number | undefined
}

export interface PurgeScope {
  readonly repository: RepositoryName | 'everywhere'
  readonly reason: string
}

export interface Purged {
  readonly versions: readonly VersionId[]
  readonly blobs: readonly Digest[]
}

export interface NewProvenance {
  readonly digest: Digest
  readonly size: number
  /** `server`: made here. `publisher`: sent by a publisher and countersigned here. */
  readonly origin: 'server' | 'publisher'
}

export interface NewVersion extends VersionId {
  readonly filename: ArchiveFilename
  readonly digest: Digest
  readonly size: number
  /** SHA-256 over the archive's members, whatever the packaging (`chart/archive.ts`). */
  readonly contentDigest: Digest
  /** How its archive has to be read (`chart/archive.ts`). */
  readonly reading: ArchiveReading
  /** The version's entry in the index, serialised (`repoindex/entry.ts`). */
  readonly fragment: string
  readonly provenance: NewProvenance
  readonly seenBlobs: BlobMarks
}

export interface RecordRules {
  /** What becomes of other content under the same name and version. */
  readonly onOtherContent: 'refuse' | 'replace'
  /** `release`: other content may take the place of a withdrawn version, as if that had never been. */
  readonly tombstones: 'keep' | 'release'
  /** Whether an archive with the same members as a live version's, but other bytes, counts as the same content. */
  readonly sameMembers: 'same' | 'other'
  /** Whether an unknown repository is created. */
  readonly onUnknownRepository: 'refuse' | 'create'
  /** Judged in the transaction: publishes that race cannot exceed it together. What makes nothing larger passes. */
  readonly quota?: Quota | undefined
  /** `required`: only what an upstream offers, and nobody withholds or has deleted, becomes a version. */
  readonly offer?: 'required' | undefined
}

export type Withheld = 'deleted' | 'gone' | 'held' | 'rejected'

export type RecordOutcome =
  /** The version as it stands now; if `unchanged`, as it stood before. */
  | { readonly outcome: 'created' | 'replaced' | 'unchanged'; readonly version: VersionRecord }
  /** Other content has, or had before it was withdrawn, this name and version. */
  | { readonly outcome: 'exists'; readonly digest: Digest; readonly withdrawn: boolean }
  /** Another chart, live or withdrawn, has the same file name. */
  | { readonly outcome: 'filename-taken'; readonly name: ChartName; readonly version: ChartVersion }
  | { readonly outcome: 'repository-unknown' }
  /** The repository would hold more than its quota; what it holds now. */
  | { readonly outcome: 'quota-exceeded'; readonly versions: number; readonly bytes: number }
  /** The content was purged and may not come back. */
  | { readonly outcome: 'purged' }
  /** An offer is required, and there is none that may be had. */
  | { readonly outcome: 'withheld'; readonly why: Withheld }
  /** gc removed one of the blobs while it was being committed, or is about to: nothing was written, try again. */
  | { readonly outcome: 'blob-moved' }

export interface VersionRecord extends VersionId {
  readonly filename: ArchiveFilename
  readonly digest: Digest
  readonly size: number
  readonly contentDigest: Digest
  readonly reading: ArchiveReading
  readonly fragment: string
  readonly publishedAt: Date
  readonly publishedBy: string
  readonly provenance: ProvenanceRecord
}

export interface ProvenanceRecord extends NewProvenance {
  readonly recordedAt: Date
}

export interface Tombstone {
  readonly digest: Digest
  readonly contentDigest: Digest
  readonly withdrawn: boolean
}

export interface VersionCount {
  readonly name: ChartName
  readonly versions: number
}

export interface ChartNames {
  /** Of the repository, when it had these. */
  readonly revision: number
  readonly names: readonly ChartName[]
}

export interface IndexSnapshot {
  readonly revision: number
  readonly changedAt: Date
  /**
   * In order of name, a chart's versions from the newest; as many at a time as one turn of the event loop takes. To be
   * read once.
   */
  readonly versions: AsyncIterable<readonly IndexedVersion[]>
}

export interface IndexedVersion {
  readonly name: ChartName
  /** Sorts bytewise as the chart's versions do, no two of which have the same (`versionSortKey`). */
  readonly sortKey: string
  readonly fragment: string
}

export interface IndexChanges {
  readonly revision: number
  readonly changedAt: Date
  /** Each version touched once, in no order; as it is now, or without a fragment if it is gone. */
  readonly versions: readonly ChangedVersion[]
}

export interface ChangedVersion extends Omit<IndexedVersion, 'fragment'> {
  readonly fragment: string | undefined
}

export interface CertificateId {
  /** The issuer's certificate, SHA-256 of its public key (SubjectPublicKeyInfo), lower-case hex. */
  readonly issuerKey: string
  /** Lower-case hex without leading zeros, as many digits as the number needs. */
  readonly serial: string
}

export interface CertificateRecord extends CertificateId {
  /** The common name: what the certificate is called on the command line. */
  readonly name: string
  readonly subject: string
  /** As `URI:spiffe://example.org/ci`. */
  readonly altNames: readonly string[]
  readonly notBefore: Date
  readonly notAfter: Date
}

export interface KnownCertificate extends CertificateRecord {
  readonly revocation?: Revocation
  readonly lastSeenAt?: Date
}

export interface Revocation {
  readonly at: Date
  readonly reason: RevocationReason
}

export interface RevokedCertificate extends CertificateId, Revocation {
  /** Of a certificate that is recorded here. */
  readonly notAfter?: Date
}

/** How often gc has removed each blob so far; absent blobs count as 0. */
export type BlobMarks = ReadonlyMap<Digest, number>

export interface AuditEntry extends Actor {
  readonly action: AuditAction
  readonly outcome: (typeof AUDIT_OUTCOMES)[number]
  readonly repository?: RepositoryName
  readonly chart?: string
  readonly version?: string
}

export interface AuditRecord extends AuditEntry {
  /** Of this catalog. */
  readonly id: number
}

export interface AuditQuery {
  readonly limit: number
  /** Included. */
  readonly since?: Date
  /** Not included. */
  readonly until?: Date
  /** The whole name, or what stands in quotation marks in it: `built-in cn:"ci"`, or `ci`. */
  readonly who?: string
  readonly repository?: RepositoryName
  readonly action?: AuditAction
  readonly outcome?: AuditEntry['outcome']
  /** Only what comes behind this one in the listing, also when it is there no more. */
  readonly before?: Pick<AuditRecord, 'at' | 'id'>
}

export const AUDIT_OUTCOMES = ['done', 'unchanged', 'refused'] as const

export const AUDIT_ACTIONS = [
  'publish',
  'overwrite',
  'delete',
  'attach-provenance',
  'create-repository',
  'rename-repository',
  'delete-repository',
  'purge',
  'restore',
  'issue-certificate',
  'revoke-certificate',
  'mirror-refresh',
  'mirror-sync',
  'mirror-release',
  'mirror-reject',
  'mirror-alarm',
  'read',
  'admin',
] as const
export type AuditAction = (typeof AUDIT_ACTIONS)[number]
