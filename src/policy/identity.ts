import { quoted } from '../text.ts'

/**
 * Who a verified peer is: trust anchor + kind + value. DNS `admin` under the company's CA is somebody else than CN
 * `admin` under the built-in one. The rest is what grants may match on, and what tells one certificate from another.
 */
export interface Identity {
  /** The configured name of the trust anchor that the certificate chains to. */
  readonly anchor: string
  readonly kind: IdentityKind
  readonly value: string
  readonly commonNames: readonly string[]
  readonly organizations: readonly string[]
  readonly organizationalUnits: readonly string[]
  readonly uris: readonly string[]
  readonly emails: readonly string[]
  readonly dnsNames: readonly string[]
  readonly issuer: string
  /** Lower-case hex without leading zeros. */
  readonly serial: string
  /** SHA-256 over the certificate's DER, lower-case hex. */
  readonly fingerprint: string
  readonly notBefore: Date
  readonly notAfter: Date
}

/** What rules match on. */
export type IdentityNames = Pick<
  Identity,
  | 'anchor'
  | 'commonNames'
  | 'organizations'
  | 'organizationalUnits'
  | 'uris'
  | 'emails'
  | 'dnsNames'
  | 'fingerprint'
>

export type IdentityKind = 'spiffe' | 'email' | 'dns' | 'cn'

/** How a message names the identity: `"reader"`. */
export function describeIdentity(identity: Identity): string {
  return quoted(identity.value)
}

/** How the audit trail names it, unambiguously: `built-in cn:"reader"`. */
export function auditNameOf(identity: Identity): string {
  return `${identity.anchor} ${identity.kind}:${quoted(identity.value)}`
}
