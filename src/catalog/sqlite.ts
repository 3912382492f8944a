import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { type Digest } from '../chart/digest.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { type RevocationReason } from '../pki/revocation-reason.ts'
import {
  type Actor,
  type AuditEntry,
  type AuditQuery,
  type AuditRecord,
  type BlobMarks,
  type Catalog,
  type CertificateId,
  type CertificateRecord,
  type ChartNames,
  type IndexChanges,
  type IndexSnapshot,
  type KnownCertificate,
  type NewProvenance,
  type NewVersion,
  type Purged,
  type PurgeScope,
  type RecordOutcome,
  type RecordRules,
  type RepositoryRecord,
  type Revocation,
  type RevokedCertificate,
  type Tombstone,
  type VersionCount,
  type VersionId,
  type VersionRecord,
} from './catalog.ts'
import { RecordingQueue } from './recording-queue.ts'
import { LookUpMemo } from './look-up-memo.ts'
import { versionFromRow } from './rows.ts'
import { appendAudit, listAudit, pruneAudit } from './sqlite-audit.ts'
import { blobsDeleted, condemnBlobs, listReferencedBlobs, markBlobs } from './sqlite-blobs.ts'
import { findCertificates, listCertificates, noteSeen, recordCertificate } from './sqlite-certificates.ts'
import { listChartNames } from './sqlite-chart-names.ts'
import { type Reader, type SqliteConnection, type Writer } from './sqlite-connection.ts'
import { openReader, openWriter } from './sqlite-file.ts'
import { readIndex, readIndexSince } from './sqlite-index.ts'
import { readDataVersion, readEpoch, renewEpoch, touch } from './sqlite-meta.ts'
import { SqliteOffers } from './sqlite-offers.ts'
import { SqliteOutbox } from './sqlite-outbox.ts'
import { replaceProvenance } from './sqlite-provenance.ts'
import { isPurged, purge } from './sqlite-purge.ts'
import { createRepository, findRepository, listRepositories } from './sqlite-repositories.ts'
import { deleteRepository, renameRepository } from './sqlite-repository-changes.ts'
import { listRevoked, revocationRevision, revokeCertificate } from './sqlite-revocations.ts'
import { SnapshotPool } from './sqlite-snapshots.ts'
import {
  countVersions,
  findByFilename,
  findTombstone,
  findVersion,
  listVersionRows,
  listVersions,
} from './sqlite-versions.ts'
import { withdrawChart, withdrawVersion } from './sqlite-withdraw.ts'
import { WriteQueue } from './write-queue.ts'

export interface SqliteConfig {
  /** A path; its folder is created, with mode 0700, if it is missing. SQLite keeps two more files beside it. */
  readonly file: string
  /** Opens an existing catalog without creating, migrating or changing anything; writing rejects. */
  readonly readonly?: boolean
}

/** How many rows a listing reads at a time: about a millisecond's work. */
const BATCH = 500
/** How many audit rows are removed at a time, from all their indexes: a few milliseconds' work. */
const PRUNE_BATCH = 100

interface Connections {
  readonly writer: SqliteConnection
  readonly reader: SqliteConnection
  readonly path: string
}

/** The catalog in one SQLite file. Several processes on one machine may have it open at the same time. */
export class SqliteCatalog implements Catalog {
  readonly epoch: string
  readonly outbox: SqliteOutbox
  readonly offers: SqliteOffers
  readonly #writes: WriteQueue
  readonly #recordings: RecordingQueue
  readonly #reader: SqliteConnection
  readonly #snapshots: SnapshotPool
  readonly #lookUps: LookUpMemo

  static async open({ file, readonly = false }: SqliteConfig): Promise<SqliteCatalog> {
    // Absolute, so that SQLite sees a path and not one of its special names, such as `:memory:`.
    const path = resolve(file)
    const writer = readonly ? openReader(path) : await openWriter(path)
    return new SqliteCatalog({ writer, reader: openReader(path), path })
  }

  private constructor({ writer, reader, path }: Connections) {
    this.#writes = new WriteQueue(writer)
    this.#recordings = new RecordingQueue((fn) => this.#write(fn))
    this.#reader = reader
    this.#lookUps = new LookUpMemo(() => reader.readOne(readDataVersion))
    this.#snapshots = new SnapshotPool(() => openReader(path))
    this.epoch = reader.read(readEpoch)
    this.outbox = new SqliteOutbox(reader, this.#writes)
    this.offers = new SqliteOffers(reader, this.#writes)
  }

  createRepository(name: RepositoryName, by: Actor): Promise<'created' | 'exists'> {
    return this.#write((tx) => createRepository(tx, name, by))
  }

  findRepository(name: RepositoryName): Promise<RepositoryRecord | undefined> {
    return this.#lookUps.get(`repository ${name}`, () =>
      this.#reader.readOne((tx) => findRepository(tx, name)),
    )
  }

  listRepositories(): Promise<readonly RepositoryRecord[]> {
    return this.#read(listRepositories)
  }

  renameRepository(
    from: RepositoryName,
    to: RepositoryName,
    by: Actor,
  ): Promise<'renamed' | 'repository-unknown' | 'name-taken'> {
    return this.#write((tx) => renameRepository(tx, from, to, by))
  }

  deleteRepository(
    name: RepositoryName,
    versions: 'delete' | 'refuse',
    by: Actor,
  ): Promise<'deleted' | 'repository-unknown' | 'not-empty'> {
    return this.#write((tx) => deleteRepository(tx, name, versions, by))
  }

  purge(digest: Digest, scope: PurgeScope, by: Actor): Promise<Purged> {
    return this.#write((tx) => purge(tx, { digest, scope, by }))
  }

  isPurged(content: Parameters<Catalog['isPurged']>[0]): Promise<boolean> {
    return this.#read((tx) => isPurged(tx, content))
  }

  recordVersion(version: NewVersion, rules: RecordRules, by: Actor): Promise<RecordOutcome> {
    return this.#recordings.record({ version, rules, by })
  }

  withdrawVersion(id: VersionId, by: Actor): Promise<VersionRecord | undefined> {
    return this.#write((tx) => withdrawVersion(tx, id, by))
  }

  withdrawChart(repository: RepositoryName, name: ChartName, by: Actor): Promise<readonly VersionRecord[]> {
    return this.#write((tx) => withdrawChart(tx, repository, name, by))
  }

  replaceProvenance(
    id: VersionId,
    archive: Digest,
    provenance: NewProvenance,
    seenBlobs: BlobMarks,
    by: Actor,
  ): Promise<'replaced' | 'unchanged' | 'version-unknown' | 'archive-changed' | 'blob-moved'> {
    return this.#write((tx) => replaceProvenance(tx, { id, archive, provenance, seenBlobs, by }))
  }

  findVersion(id: VersionId): Promise<VersionRecord | undefined> {
    return this.#read((tx) => findVersion(tx, id))
  }

  findByFilename(repository: RepositoryName, filename: ArchiveFilename): Promise<VersionRecord | undefined> {
    return this.#lookUps.get(`file ${filename} ${repository}`, () =>
      this.#reader.readOne((tx) => findByFilename(tx, repository, filename)),
    )
  }

  findTombstone(id: VersionId): Promise<Tombstone | undefined> {
    return this.#read((tx) => findTombstone(tx, id))
  }

  listVersions(repository: RepositoryName, name: ChartName): Promise<readonly VersionRecord[]> {
    return this.#read((tx) => listVersions(tx, repository, name))
  }

  countVersions(repository: RepositoryName): Promise<readonly VersionCount[]> {
    return this.#read((tx) => countVersions(tx, repository))
  }

  listChartNames(repository: RepositoryName): Promise<ChartNames | undefined> {
    return this.#snapshots.read((tx) => listChartNames(tx, repository))
  }

  readIndex<T>(
    repository: RepositoryName,
    read: (snapshot: IndexSnapshot) => Promise<T>,
  ): Promise<T | undefined> {
    return this.#snapshots.read((tx) => readIndex(tx, repository, read))
  }

  readIndexSince(repository: RepositoryName, since: number): Promise<IndexChanges | 'too-old' | undefined> {
    return this.#snapshots.read((tx) => readIndexSince(tx, repository, since))
  }

  recordCertificate(certificate: CertificateRecord, by: Actor): Promise<void> {
    return this.#write((tx) => {
      recordCertificate(tx, certificate, by)
    })
  }

  listCertificates(): Promise<readonly KnownCertificate[]> {
    return this.#read(listCertificates)
  }

  findCertificates(query: {
    readonly name?: string
    readonly serial?: string
  }): Promise<readonly KnownCertificate[]> {
    return this.#read((tx) => findCertificates(tx, query))
  }

  revokeCertificate(
    certificate: CertificateId,
    reason: RevocationReason,
    by: Actor,
  ): Promise<{ readonly outcome: 'revoked' | 'unchanged'; readonly revocation: Revocation }> {
    return this.#write((tx) => revokeCertificate(tx, { certificate, reason, by }))
  }

  listRevoked(): Promise<readonly RevokedCertificate[]> {
    return this.#read(listRevoked)
  }

  revocationRevision(): Promise<number> {
    return this.#read(revocationRevision)
  }

  noteSeen(certificate: CertificateId, at: Date): Promise<void> {
    return this.#write((tx) => {
      noteSeen(tx, certificate, at)
    })
  }

  markBlobs(digests: readonly Digest[]): Promise<BlobMarks> {
    return this.#read((tx) => markBlobs(tx, digests))
  }

  async *listReferencedBlobs(): AsyncIterable<Digest> {
    let after = ''
    for (;;) {
      const batch = await this.#read((tx) => listReferencedBlobs(tx, after, BATCH))
      yield* batch
      const last = batch.at(-1)
      if (last === undefined) return
      after = last
    }
  }

  condemnBlobs(candidates: readonly Digest[], now: Date, condemnedBefore: Date): Promise<readonly Digest[]> {
    return this.#write((tx) => condemnBlobs(tx, candidates, { now, condemnedBefore }))
  }

  blobsDeleted(digests: readonly Digest[]): Promise<void> {
    return this.#write((tx) => {
      blobsDeleted(tx, digests)
    })
  }

  async *listAllVersions(): AsyncIterable<VersionRecord> {
    let after = 0
    for (;;) {
      const batch = await this.#read((tx) => listVersionRows(tx, after, BATCH))
      yield* batch.map(versionFromRow)
      const last = batch.at(-1)
      if (last === undefined) return
      after = last.id
    }
  }

  appendAudit(...entries: readonly AuditEntry[]): Promise<void> {
    return this.#write((tx) => {
      appendAudit(tx, ...entries)
    })
  }

  listAudit(query: AuditQuery): Promise<readonly AuditRecord[]> {
    return this.#read((tx) => listAudit(tx, query))
  }

  async pruneAudit(which: 'all' | 'reads', olderThan: Date): Promise<number> {
    for (let pruned = 0; ;) {
      const batch = await this.#write((tx) => pruneAudit(tx, which, olderThan, PRUNE_BATCH))
      pruned += batch
      if (batch < PRUNE_BATCH) return pruned
      // The transactions are synchronous: between them, whatever waits has its turn.
      await setImmediate()
    }
  }

  renewEpoch(by: Actor): Promise<void> {
    return this.#write((tx) => {
      renewEpoch(tx, by)
    })
  }

  /** Writes the catalog as it is now to a new file, which may then be opened like this one. Others may go on writing. */
  async copyTo(file: string): Promise<void> {
    await this.#reader.copyTo(file)
  }

  async check(): Promise<void> {
    try {
      await this.#write((tx) => {
        touch(tx, new Date())
      })
      await this.#read(readEpoch)
    } catch (error) {
      throw new AppError('unavailable', 'the catalog cannot be read and written', { cause: error })
    }
  }

  /** The writer last: it folds the write-ahead log into the file when no other process has it open. */
  async close(): Promise<void> {
    await this.#snapshots.close()
    this.#reader.close()
    await this.#recordings.settle()
    await this.#writes.close()
  }

  #read<T>(fn: (tx: Reader) => T): Promise<T> {
    return settled(() => this.#reader.read(fn))
  }

  #write<T>(fn: (tx: Writer) => T): Promise<T> {
    return this.#writes.write(fn)
  }
}

/** What the function returns or throws, as a promise. */
function settled<T>(fn: () => T): Promise<T> {
  return new Promise((resolve) => {
    resolve(fn())
  })
}
