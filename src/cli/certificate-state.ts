import { type KnownCertificate, type Revocation } from '../catalog/catalog.ts'

export type CertificateState = 'valid' | 'expired' | 'revoked'

/** Whether it gets in. */
export function stateOf(
  { revocation, notAfter }: Pick<KnownCertificate, 'revocation' | 'notAfter'>,
  now: Date,
): CertificateState {
  if (revocation !== undefined) return 'revoked'
  return now > notAfter ? 'expired' : 'valid'
}

/** `2026-03-04T12:00:00.000Z (keyCompromise)` */
export function describeRevocation({ at, reason }: Revocation): string {
  return `${at.toISOString()} (${reason})`
}
