import { AppError } from '../errors.ts'
import { type Actor, type CertificateId, type CertificateRecord, type KnownCertificate } from './catalog.ts'
import {
  certificateFromRow,
  type CertificateRow,
  certificateToRow,
  type KnownCertificateRow,
} from './rows.ts'
import { appendAudit } from './sqlite-audit.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'

const INSERT: Query<CertificateRow> = {
  sql: `INSERT INTO certificates (issuer_key, serial, name, subject, alt_names, not_before, not_after)
        VALUES (@issuer_key, @serial, @name, @subject, @alt_names, @not_before, @not_after)
        ON CONFLICT (issuer_key, serial) DO NOTHING`,
}

const SAME: Query<CertificateRow, object> = {
  sql: `SELECT 1 FROM certificates
        WHERE issuer_key = @issuer_key AND serial = @serial AND subject = @subject
          AND not_before = @not_before AND not_after = @not_after`,
}

const KNOWN = `SELECT issuer_key, serial, name, subject, alt_names, not_before, not_after, last_seen_at,
                      revoked_at, reason
               FROM certificates LEFT JOIN revocations USING (issuer_key, serial)`

const ALL: Query<object, KnownCertificateRow> = { sql: `${KNOWN} ORDER BY id` }

const BY_NAME: Query<{ name: string }, KnownCertificateRow> = {
  sql: `${KNOWN} WHERE name = @name ORDER BY id`,
}

const BY_SERIAL: Query<{ serial: string }, KnownCertificateRow> = {
  sql: `${KNOWN} WHERE serial = @serial ORDER BY id`,
}

const SEEN: Query<{ issuer_key: string; serial: string; at: string }> = {
  sql: `UPDATE certificates SET last_seen_at = @at
        WHERE issuer_key = @issuer_key AND serial = @serial AND (last_seen_at IS NULL OR last_seen_at < @at)`,
}

export function recordCertificate(tx: Writer, certificate: CertificateRecord, by: Actor): void {
  const row = certificateToRow(certificate)
  const isNew = tx.run(INSERT, row) === 1
  if (!isNew && tx.get(SAME, row) === undefined) {
    throw new AppError(
      'request-invalid',
      'the issuer has already given this serial number to another certificate',
    )
  }
  appendAudit(tx, {
    ...by,
    action: 'issue-certificate',
    outcome: isNew ? 'done' : 'unchanged',
    detail: `serial ${certificate.serial}`,
  })
}

export function listCertificates(tx: Reader): KnownCertificate[] {
  return tx.all(ALL, {}).map(certificateFromRow)
}

export function findCertificates(
  tx: Reader,
  { name, serial }: { readonly name?: string; readonly serial?: string },
): KnownCertificate[] {
  if (serial === undefined) {
    return (name === undefined ? tx.all(ALL, {}) : tx.all(BY_NAME, { name })).map(certificateFromRow)
  }
  const found = tx.all(BY_SERIAL, { serial }).map(certificateFromRow)
  return name === undefined ? found : found.filter((certificate) => certificate.name === name)
}

export function noteSeen(tx: Writer, { issuerKey, serial }: CertificateId, at: Date): void {
  tx.run(SEEN, { issuer_key: issuerKey, serial, at: at.toISOString() })
}
