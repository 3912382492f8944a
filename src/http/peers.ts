import { type X509Certificate } from 'node:crypto'
import { type TLSSocket } from 'node:tls'
import { LRUCache } from 'lru-cache'
import { identifyPeer, judgeNow, readPeer, refused, type Peer, type RevocationCheck } from './peer.ts'
import { findAnchor, inferAnchor, type TrustAnchor } from './trust-anchor.ts'

export interface PeersDeps {
  readonly revocations: RevocationCheck
  readonly now: () => Date
}

/**
 * As long as a handshake can take: one that began before the trust anchors changed says nothing about the new ones.
 * Until then no anchor is inferred, only proved by signature.
 */
const SETTLE_MS = 10_000

const MOST_CERTIFICATES = 10_000

/** The peers of all open connections. */
export class Peers {
  readonly #deps: PeersDeps
  readonly #open = new Map<TLSSocket, Peer>()
  #anchors: readonly TrustAnchor[]
  #inferFrom = 0
  /** By fingerprint, under the trust anchors in force: a client comes back with each command, on a connection of its own. */
  readonly #proved = new LRUCache<string, Peer>({ max: MOST_CERTIFICATES })

  constructor(anchors: readonly TrustAnchor[], deps: PeersDeps) {
    this.#anchors = anchors
    this.#deps = deps
  }

  /** As the connection's end counts now. */
  of(socket: TLSSocket): Peer {
    return judgeNow(this.#open.get(socket) ?? this.#read(socket), this.#deps.revocations, this.#deps.now())
  }

  /** Puts other trust anchors in force, on open connections too. */
  trust(anchors: readonly TrustAnchor[]): void {
    const before = this.#anchors
    this.#anchors = anchors
    this.#proved.clear()
    if (extend(before, anchors)) return
    this.#inferFrom = this.#deps.now().getTime() + SETTLE_MS
    for (const [socket, peer] of this.#open) {
      // Also where it cannot be told: a new handshake will.
      if (peer.verified && findAnchor(peer.certificate, anchors)?.anchor.name !== peer.identity.anchor)
        socket.destroy()
    }
  }

  /** Ends the connections of those who were verified and no longer are. */
  dismissRefused(): void {
    for (const [socket, peer] of this.#open) if (peer.verified && !this.of(socket).verified) socket.destroy()
  }

  #read(socket: TLSSocket): Peer {
    const peer = readPeer(socket, (certificate) => this.#identify(certificate))
    this.#open.set(socket, peer)
    socket.once('close', () => this.#open.delete(socket))
    return peer
  }

  #identify(certificate: X509Certificate): Peer {
    const known = this.#proved.get(certificate.fingerprint256)
    if (known !== undefined) return known
    const match = findAnchor(certificate, this.#anchors)
    if (match === undefined) return this.#identifyByInference(certificate)
    const peer = identifyPeer(certificate, match)
    this.#proved.set(certificate.fingerprint256, peer)
    return peer
  }

  #identifyByInference(certificate: X509Certificate): Peer {
    const mayInfer = this.#deps.now().getTime() >= this.#inferFrom
    const match = mayInfer ? inferAnchor(certificate, this.#anchors) : undefined
    return match === undefined ? refused('untrusted') : identifyPeer(certificate, match)
  }
}

/** Whether the new trust anchors have all that the old ones had, under the same names: then nobody is worse off. */
function extend(before: readonly TrustAnchor[], after: readonly TrustAnchor[]): boolean {
  return before.every(({ name, certificates }) => {
    const now = after
      .find((anchor) => anchor.name === name)
      ?.certificates.map(({ fingerprint256 }) => fingerprint256)
    return certificates.every(({ fingerprint256 }) => now?.includes(fingerprint256) === true)
  })
}
