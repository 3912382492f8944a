import { AppError } from '../errors.ts'
import { type Actor, type CertificateRecord } from './catalog.ts'
import { certificateFromRow, type CertificateRow, certificateToRow } from './rows.ts'
import { appendAudit } from './sqlite-audit.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'

const INSERT: Query<CertificateRow> = {
  sql: `INSERT INTO certificates (issuer_key, serial, subject, not_before, not_after)
        VALUES (@issuer_key, @serial, @subject, @not_before, @not_after)
        ON CONFLICT (issuer_key, serial) DO NOTHING`,
}

const SAME: Query<CertificateRow, object> = {
  sql: `SELECT 1 FROM certificates
        WHERE issuer_key = @issuer_key AND serial = @serial AND subject = @subject
          AND not_before = @not_before AND not_after = @not_after`,
}

const IN_ORDER_OF_ISSUE: Query<object, CertificateRow> = {
  sql: 'SELECT issuer_key, serial, subject, not_before, not_after FROM certificates ORDER BY id',
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

export function listCertificates(tx: Reader): CertificateRecord[] {
  return tx.all(IN_ORDER_OF_ISSUE, {}).map(certificateFromRow)
}
