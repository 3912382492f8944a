import { type ArchiveReading } from '../chart/archive.ts'
import { type Digest } from '../chart/digest.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type RevocationReason } from '../pki/revocation-reason.ts'
import {
  type AuditEntry,
  type AuditRecord,
  type CertificateRecord,
  type KnownCertificate,
  type NewProvenance,
  type RepositoryRecord,
  type RevokedCertificate,
  type VersionRecord,
} from './catalog.ts'

/** The shapes of rows as the queries name their columns, and what each becomes outside this folder. */

export interface RepositoryRow {
  readonly id: number
  readonly name: RepositoryName
  readonly revision: number
  readonly created_at: string
  readonly changed_at: string
  readonly live_versions: number
  readonly live_bytes: number
}

export function repositoryFromRow(row: RepositoryRow): RepositoryRecord {
  return {
    name: row.name,
    revision: row.revision,
    changedAt: new Date(row.changed_at),
    createdAt: new Date(row.created_at),
    versions: row.live_versions,
    bytes: row.live_bytes,
  }
}

export interface VersionRow {
  readonly id: number
  readonly repository: RepositoryName
  readonly name: ChartName
  readonly version: ChartVersion
  readonly filename: ArchiveFilename
  readonly digest: Digest
  readonly size: number
  readonly content_digest: Digest
  readonly reading: ArchiveReading
  readonly fragment: string
  readonly published_at: string
  readonly published_by: string
  readonly provenance_digest: Digest
  readonly provenance_size: number
  readonly provenance_origin: NewProvenance['origin']
  readonly provenance_recorded_at: string
}

export function versionFromRow(row: VersionRow): VersionRecord {
  return {
    repository: row.repository,
    name: row.name,
    version: row.version,
    filename: row.filename,
    digest: row.digest,
    size: row.size,
    contentDigest: row.content_digest,
    reading: row.reading,
    fragment: row.fragment,
    publishedAt: new Date(row.published_at),
    publishedBy: row.published_by,
    provenance: {
      digest: row.provenance_digest,
      size: row.provenance_size,
      origin: row.provenance_origin,
      recordedAt: new Date(row.provenance_recorded_at),
    },
  }
}

export interface CertificateRow {
  readonly issuer_key: string
  readonly serial: string
  readonly name: string
  readonly subject: string
  readonly alt_names: string
  readonly not_before: string
  readonly not_after: string
}

export interface KnownCertificateRow extends CertificateRow {
  readonly last_seen_at: string | null
  readonly revoked_at: string | null
  readonly reason: RevocationReason | null
}

export function certificateFromRow(row: KnownCertificateRow): KnownCertificate {
  return {
    issuerKey: row.issuer_key,
    serial: row.serial,
    name: row.name,
    subject: row.subject,
    altNames: JSON.parse(row.alt_names) as readonly string[],
    notBefore: new Date(row.not_before),
    notAfter: new Date(row.not_after),
    ...(row.last_seen_at === null ? {} : { lastSeenAt: new Date(row.last_seen_at) }),
    ...(row.revoked_at === null || row.reason === null
      ? {}
      : { revocation: { at: new Date(row.revoked_at), reason: row.reason } }),
  }
}

export function certificateToRow(certificate: CertificateRecord): CertificateRow {
  return {
    issuer_key: certificate.issuerKey,
    serial: certificate.serial,
    name: certificate.name,
    subject: certificate.subject,
    alt_names: JSON.stringify(certificate.altNames),
    not_before: certificate.notBefore.toISOString(),
    not_after: certificate.notAfter.toISOString(),
  }
}

export interface RevocationRow {
  readonly issuer_key: string
  readonly serial: string
  readonly revoked_at: string
  readonly reason: RevocationReason
}

export function revokedFromRow(
  row: RevocationRow & { readonly not_after: string | null },
): RevokedCertificate {
  return {
    issuerKey: row.issuer_key,
    serial: row.serial,
    at: new Date(row.revoked_at),
    reason: row.reason,
    ...(row.not_after === null ? {} : { notAfter: new Date(row.not_after) }),
  }
}

export interface AuditRow {
  readonly at: string
  readonly who: string
  readonly peer: string
  readonly request_id: string
  readonly action: AuditEntry['action']
  readonly outcome: AuditEntry['outcome']
  readonly repository: RepositoryName | null
  readonly chart: string | null
  readonly version: string | null
  readonly detail: string | null
}

export function auditFromRow(row: AuditRow & { readonly id: number }): AuditRecord {
  return {
    id: row.id,
    at: new Date(row.at),
    who: row.who,
    from: row.peer,
    requestId: row.request_id,
    action: row.action,
    outcome: row.outcome,
    ...(row.repository === null ? {} : { repository: row.repository }),
    ...(row.chart === null ? {} : { chart: row.chart }),
    ...(row.version === null ? {} : { version: row.version }),
    ...(row.detail === null ? {} : { detail: row.detail }),
  }
}

export function auditToRow(entry: AuditEntry): AuditRow {
  return {
    at: entry.at.toISOString(),
    who: entry.who,
    peer: entry.from,
    request_id: entry.requestId,
    action: entry.action,
    outcome: entry.outcome,
    repository: entry.repository ?? null,
    chart: entry.chart ?? null,
    version: entry.version ?? null,
    detail: entry.detail ?? null,
  }
}
