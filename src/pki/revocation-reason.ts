/** Why a certificate was revoked, with the numbers of RFC 5280, section 5.3.1. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
  aACompromise: 10,
} as const

export type RevocationReason = keyof typeof REVOCATION_REASONS

/**
 * Those that an operator may give. A hold would have to be lifted again, and revocations here are for good; the others
 * left out are about CAs and attribute authorities, and say nothing of a client.
 */
export const OPERATOR_REASONS = [
  'unspecified',
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
] as const satisfies readonly RevocationReason[]

/** `unspecified` also for a number that RFC 5280 does not name. */
export function reasonOf(code: number): RevocationReason {
  return BY_CODE.get(code) ?? 'unspecified'
}

const BY_CODE: ReadonlyMap<number, RevocationReason> = new Map(
  Object.entries(REVOCATION_REASONS).map(([reason, code]) => [code, reason as RevocationReason]),
)
