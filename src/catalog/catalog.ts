import { type ChartName } from '../chart/name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type Digest } from '../chart/digest.ts'
import { type RepositoryName } from '../chart/repository-name.ts'

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
  /** Names this catalog's history: a new one when the catalog was made anew, so that no ETag outlives it. */
  readonly epoch: string

  /** No repository is there from the start, the root one neither. A new one has revision 0 and an audit row. */
  createRepository(name: RepositoryName, by: Actor): Promise<'created' | 'exists'>
  findRepository(name: RepositoryName): Promise<RepositoryRecord | undefined>
  /** By name. */
  listRepositories(): Promise<readonly RepositoryRecord[]>

  /**
   * Adds the version, or finds it there already (see `RecordOutcome`). A withdrawn version comes back, as `created`,
   * with the content that it had: the same bytes, or the same members whatever the rules say of them. `seenBlobs` are
   * the marks that `markBlobs` gave before the blobs were committed: if gc has removed one of them since, or is about
   * to, nothing is written.
   */
  recordVersion(version: NewVersion, rules: RecordRules, by: Actor): Promise<RecordOutcome>

  /**
   * Leaves a tombstone: the name, version and file name stay taken, for this content only; the blobs become garbage.
   * Returns what was withdrawn; `undefined`, when there is no such version.
   */
  withdrawVersion(id: VersionId, by: Actor): Promise<VersionRecord | undefined>

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

  findVersion(id: VersionId): Promise<VersionRecord | undefined>
  /** A download is looked up by the whole file name, never by splitting it. */
  findByFilename(repository: RepositoryName, filename: ArchiveFilename): Promise<VersionRecord | undefined>
  /** What is recorded under this name and version even if it is withdrawn: the content that it may come back with. */
  findTombstone(id: VersionId): Promise<Tombstone | undefined>

  /** The chart's versions, the newest first in SemVer order; empty when there is none. */
  listVersions(repository: RepositoryName, name: ChartName): Promise<readonly VersionRecord[]>

  /**
   * The whole index in one snapshot: every version's fragment, charts in order of name, versions from the newest.
   * `undefined` for an unknown repository.
   */
  readIndex(repository: RepositoryName): Promise<IndexSnapshot | undefined>

  /**
   * What changed after `since`, in one snapshot: the charts touched, with all the fragments that they have now (none
   * for a chart that is gone). `too-old` when the change log does not reach back that far.
   */
  readIndexSince(repository: RepositoryName, since: number): Promise<IndexSnapshot | 'too-old' | undefined>

  /**
   * Records an issued certificate. Doing so again changes nothing; another certificate of the issuer under the same
   * serial number rejects with `request-invalid`.
   */
  recordCertificate(certificate: CertificateRecord, by: Actor): Promise<void>
  /** In the order of issue. */
  listCertificates(): Promise<readonly CertificateRecord[]>

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

  appendAudit(entry: AuditEntry): Promise<void>
  /** The newest first. */
  listAudit(query: { readonly limit: number }): Promise<readonly AuditEntry[]>

  /** Rejects with `unavailable` when the catalog cannot be read and written. */
  check(): Promise<void>
  /** Later calls reject with `unavailable`. */
  close(): Promise<void>
}

export interface VersionId {
  readonly repository: RepositoryName
  readonly name: ChartName
  readonly version: ChartVersion
}

/** Who does something, from where and in which request: what the audit row of a change says. */
export interface Actor {
  readonly who: string
  readonly from: string
  readonly requestId: string
  readonly at: Date
}

export interface RepositoryRecord {
  readonly name: RepositoryName
  /** The number of its last change; 0 before the first. */
  readonly revision: number
  readonly changedAt: Date
  readonly createdAt: Date
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
  /** The version's entry in the index, serialised (`repoindex/entry.ts`). */
  readonly fragment: string
  readonly provenance: NewProvenance
  readonly seenBlobs: BlobMarks
}

export interface RecordRules {
  /** What becomes of other content under the same name and version. */
  readonly onOtherContent: 'refuse' | 'replace'
  /** Whether an archive with the same members as a live version's, but other bytes, counts as the same content. */
  readonly sameMembers: 'same' | 'other'
  /** Whether an unknown repository is created. */
  readonly onUnknownRepository: 'refuse' | 'create'
}

export type RecordOutcome =
  /** The version as it stands now; if `unchanged`, as it stood before. */
  | { readonly outcome: 'created' | 'replaced' | 'unchanged'; readonly version: VersionRecord }
  /** Other content has, or had before it was withdrawn, this name and version. */
  | { readonly outcome: 'exists'; readonly digest: Digest; readonly withdrawn: boolean }
  /** Another chart, live or withdrawn, has the same file name. */
  | { readonly outcome: 'filename-taken'; readonly name: ChartName; readonly version: ChartVersion }
  | { readonly outcome: 'repository-unknown' }
  /** gc removed one of the blobs while it was being committed, or is about to: nothing was written, try again. */
  | { readonly outcome: 'blob-moved' }

export interface VersionRecord extends VersionId {
  readonly filename: ArchiveFilename
  readonly digest: Digest
  readonly size: number
  readonly contentDigest: Digest
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

export interface IndexSnapshot {
  readonly revision: number
  readonly changedAt: Date
  readonly charts: readonly IndexedChart[]
}

export interface IndexedChart {
  readonly name: ChartName
  /** From the newest version to the oldest. */
  readonly fragments: readonly string[]
}

export interface CertificateRecord {
  /** The issuer's certificate, SHA-256 of its public key (SubjectPublicKeyInfo), lower-case hex. */
  readonly issuerKey: string
  /** Lower-case hex without leading zeros, as many digits as the number needs. */
  readonly serial: string
  readonly subject: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** How often gc has removed each blob so far; absent blobs count as 0. */
export type BlobMarks = ReadonlyMap<Digest, number>

export interface AuditEntry extends Actor {
  readonly action: AuditAction
  readonly outcome: 'done' | 'unchanged' | 'refused'
  readonly repository?: RepositoryName
  readonly chart?: string
  readonly version?: string
  readonly detail?: string
}

export type AuditAction =
  | 'publish'
  | 'overwrite'
  | 'delete'
  | 'attach-provenance'
  | 'create-repository'
  | 'issue-certificate'
  | 'read'
  | 'admin'
