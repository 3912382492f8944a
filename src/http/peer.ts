import { type X509Certificate } from 'node:crypto'
import { type TLSSocket } from 'node:tls'
import { AppError } from '../errors.ts'
import { identityFrom } from '../policy/certificate-identity.ts'
import { auditNameOf, type Identity } from '../policy/identity.ts'
import { subjectKeyDigest } from '../pki/pem.ts'
import { type AnchorMatch } from './trust-anchor.ts'

/**
 * Whether the other end of a connection has proved who it is. Node completes the handshake even when it has not, so
 * that the refusal can say why; that makes this file the judge. A peer counts as verified only with a certificate
 * present *and* `authorized` *and* no session resumed *and* today inside its validity *and* not revoked.
 */
export type Peer = VerifiedPeer | RefusedPeer

export interface VerifiedPeer {
  readonly verified: true
  readonly identity: Identity
  /** How the audit trail and the log name the identity. */
  readonly auditName: string
  readonly certificate: X509Certificate
  /** SHA-256 of the issuing CA's SubjectPublicKeyInfo; `undefined` where Node does not show who issued it. */
  readonly issuerKey: string | undefined
}

export interface RefusedPeer {
  readonly verified: false
  readonly refusal: Refusal
  /** For the peer: nothing of what its certificate says of itself. */
  readonly text: string
}

export type Refusal = keyof typeof REFUSALS

/** Everything that an unverified peer can be told; `revoked` is followed by the date. */
const REFUSALS = {
  'no-certificate': 'a client certificate from a CA that this server names is required, and none was sent',
  'session-resumed': 'a resumed TLS session does not prove who you are',
  expired: 'your client certificate has expired',
  'not-yet-valid': 'your client certificate is not valid yet',
  'wrong-purpose': 'your client certificate is not for client authentication',
  untrusted: 'your client certificate is not from a CA that this server trusts',
  unnamed: 'your client certificate does not name exactly one identity',
  revoked: 'your client certificate was revoked on',
  'revocation-unknown': 'the revocation list of the CA of your client certificate is missing or out of date',
} as const

/** Whether a certificate has been withdrawn by its issuer. */
export interface RevocationCheck {
  /** `unknown`: the issuer's list is missing or out of date, and the configuration does not put up with that. */
  stateOf(peer: VerifiedPeer, now: Date): 'good' | 'unknown' | { readonly revokedAt: Date }
}

/** What OpenSSL's verification says (`openssl-verify(1)`), as far as it deserves a text of its own. */
const REFUSAL_BY_VERIFY_ERROR: Readonly<Record<string, Refusal>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not-yet-valid',
  INVALID_PURPOSE: 'wrong-purpose',
}

/** Reads the connection once; `judgeNow` is to be asked on every request. `identify` is for what TLS has verified. */
export function readPeer(socket: TLSSocket, identify: (certificate: X509Certificate) => Peer): Peer {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return refused('no-certificate')
  if (socket.isSessionReused()) return refused('session-resumed')
  if (!socket.authorized) {
    // Node types this as an Error and gives OpenSSL's code as a string.
    return refused(REFUSAL_BY_VERIFY_ERROR[String(socket.authorizationError)] ?? 'untrusted')
  }
  return identify(certificate)
}

/** Certificates expire and are revoked on open connections. */
export function judgeNow(peer: Peer, revocations: RevocationCheck, now: Date): Peer {
  if (!peer.verified) return peer
  if (now < peer.identity.notBefore) return refused('not-yet-valid')
  if (now > peer.identity.notAfter) return refused('expired')
  const state = revocations.stateOf(peer, now)
  if (state === 'good') return peer
  if (state === 'unknown') return refused('revocation-unknown')
  return { ...refused('revoked'), text: `${REFUSALS.revoked} ${state.revokedAt.toISOString().slice(0, 10)}` }
}

/** Who the certificate says the peer is, under the trust anchor that it chains to. */
export function identifyPeer(certificate: X509Certificate, { anchor, issuer }: AnchorMatch): Peer {
  try {
    const identity = identityFrom(certificate, anchor.name)
    const auditName = auditNameOf(identity)
    return { verified: true, identity, auditName, certificate, issuerKey: issuer && subjectKeyDigest(issuer) }
  } catch (error) {
    if (error instanceof AppError && error.code === 'peer-refused') return refused('unnamed')
    throw error
  }
}

/** Also for a request that came in by no TLS connection at all. */
export function refused(refusal: Refusal): RefusedPeer {
  return { verified: false, refusal, text: REFUSALS[refusal] }
}
