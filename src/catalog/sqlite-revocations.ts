import { type RevocationReason } from '../pki/revocation-reason.ts'
import { type Actor, type CertificateId, type Revocation, type RevokedCertificate } from './catalog.ts'
import { type RevocationRow, revokedFromRow } from './rows.ts'
import { appendAudit } from './sqlite-audit.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'

const INSERT: Query<RevocationRow & { revoked_by: string }> = {
  sql: `INSERT INTO revocations (issuer_key, serial, revoked_at, revoked_by, reason)
        VALUES (@issuer_key, @serial, @revoked_at, @revoked_by, @reason)
        ON CONFLICT (issuer_key, serial) DO NOTHING`,
}

const FIND: Query<{ issuer_key: string; serial: string }, RevocationRow> = {
  sql: `SELECT issuer_key, serial, revoked_at, reason FROM revocations
        WHERE issuer_key = @issuer_key AND serial = @serial`,
}

const ALL: Query<object, RevocationRow & { not_after: string | null }> = {
  sql: `SELECT issuer_key, serial, revoked_at, reason, not_after
        FROM revocations LEFT JOIN certificates USING (issuer_key, serial) ORDER BY issuer_key, serial`,
}

const REVISION: Query<object, { revision: number }> = {
  sql: `SELECT CAST(value AS INTEGER) AS revision FROM meta WHERE key = 'revocation-revision'`,
}

const RAISE_REVISION: Query<object> = {
  sql: `UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE key = 'revocation-revision'`,
}

export interface RevokeRequest {
  readonly certificate: CertificateId
  readonly reason: RevocationReason
  readonly by: Actor
}

export function revokeCertificate(
  tx: Writer,
  { certificate, reason, by }: RevokeRequest,
): { readonly outcome: 'revoked' | 'unchanged'; readonly revocation: Revocation } {
  const { issuerKey: issuer_key, serial } = certificate
  const revoked = tx.get(FIND, { issuer_key, serial })
  const outcome = revoked === undefined ? 'revoked' : 'unchanged'
  if (revoked === undefined) {
    tx.run(INSERT, { issuer_key, serial, revoked_at: by.at.toISOString(), revoked_by: by.who, reason })
    tx.run(RAISE_REVISION, {})
  }
  appendAudit(tx, {
    ...by,
    action: 'revoke-certificate',
    outcome: outcome === 'revoked' ? 'done' : 'unchanged',
    detail: `serial ${serial}, ${reason}`,
  })
  return {
    outcome,
    revocation:
      revoked === undefined
        ? { at: by.at, reason }
        : { at: new Date(revoked.revoked_at), reason: revoked.reason },
  }
}

export function listRevoked(tx: Reader): RevokedCertificate[] {
  return tx.all(ALL, {}).map(revokedFromRow)
}

export function revocationRevision(tx: Reader): number {
  return tx.get(REVISION, {})?.revision ?? 0
}
