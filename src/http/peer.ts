import { type X509Certificate } from 'node:crypto'
import { type TLSSocket } from 'node:tls'
import { AppError } from '../errors.ts'
import { identityFrom } from '../policy/certificate-identity.ts'
import { type Identity } from '../policy/identity.ts'
import { findAnchor, type TrustAnchor } from './trust-anchor.ts'

/**
 * Whether the other end of a connection has proved who it is. Node completes the handshake even when it has not, so
 * that the refusal can say why; that makes this file the judge. A peer counts as verified only with a certificate
 * present *and* `authorized` *and* no session resumed *and* today inside its validity.
 */
export type Peer =
  | { readonly verified: true; readonly identity: Identity }
  | { readonly verified: false; readonly refusal: Refusal }

export type Refusal = keyof typeof REFUSALS

/** Everything that an unverified peer can be told. Nothing of what its certificate says of itself is echoed. */
export const REFUSALS = {
  'no-certificate': 'a client certificate from a CA that this server names is required, and none was sent',
  'session-resumed': 'a resumed TLS session does not prove who you are',
  expired: 'your client certificate has expired',
  'not-yet-valid': 'your client certificate is not valid yet',
  'wrong-purpose': 'your client certificate is not for client authentication',
  untrusted: 'your client certificate is not from a CA that this server trusts',
  unnamed: 'your client certificate does not name exactly one identity',
} as const

/** What OpenSSL's verification says (`openssl-verify(1)`), as far as it deserves a text of its own. */
const REFUSAL_BY_VERIFY_ERROR: Readonly<Record<string, Refusal>> = {
  CERT_HAS_EXPIRED: 'expired',
  CERT_NOT_YET_VALID: 'not-yet-valid',
  INVALID_PURPOSE: 'wrong-purpose',
}

/** Reads the connection once; `judgeNow` is to be asked on every request, as certificates expire on open connections. */
export function readPeer(socket: TLSSocket, anchors: readonly TrustAnchor[]): Peer {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return refused('no-certificate')
  if (socket.isSessionReused()) return refused('session-resumed')
  if (!socket.authorized) {
    // Node types this as an Error and gives OpenSSL's code as a string.
    return refused(REFUSAL_BY_VERIFY_ERROR[String(socket.authorizationError)] ?? 'untrusted')
  }
  return identify(certificate, anchors)
}

export function judgeNow(peer: Peer, now: Date): Peer {
  if (!peer.verified) return peer
  if (now < peer.identity.notBefore) return refused('not-yet-valid')
  if (now > peer.identity.notAfter) return refused('expired')
  return peer
}

function identify(certificate: X509Certificate, anchors: readonly TrustAnchor[]): Peer {
  const anchor = findAnchor(certificate, anchors)
  if (anchor === undefined) return refused('untrusted')
  try {
    return { verified: true, identity: identityFrom(certificate, anchor.name) }
  } catch (error) {
    if (error instanceof AppError && error.code === 'peer-refused') return refused('unnamed')
    throw error
  }
}

function refused(refusal: Refusal): Peer {
  return { verified: false, refusal }
}
