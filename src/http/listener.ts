import { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import { type Logger } from 'pino'
import { type BoundedLog } from '../ops/bounded-log.ts'
import { type Metrics } from '../ops/metrics.ts'
import { observe, requestIdOf } from './observer.ts'
import { type PeerAddresses } from './peer-addresses.ts'
import { refused, type VerifiedPeer } from './peer.ts'
import { type Peers } from './peers.ts'
import { refuse } from './refuse.ts'
import { type RequestContext } from './request-context.ts'

export interface ListenerDeps {
  readonly peers: Peers
  readonly addresses: PeerAddresses
  /** Told of each verified request. */
  readonly seen: (peer: VerifiedPeer) => void
  readonly now: () => Date
  readonly log: Logger
  readonly peerLog: BoundedLog
  readonly metrics: Metrics
}

/** What a verified peer's request is handed to. */
export type VerifiedListener = (
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
) => void

/** The door: an unverified peer is refused here and reaches nothing behind it. */
export function createListener(deps: ListenerDeps, next: VerifiedListener): RequestListener {
  return (request, response) => {
    const { socket } = request
    const from = deps.addresses.of(socket)
    const peer = socket instanceof TLSSocket ? deps.peers.of(socket) : refused('no-certificate')
    if (!peer.verified) {
      deps.metrics.refusedPeers.inc({ reason: peer.refusal })
      deps.peerLog.warn({ from, reason: peer.refusal }, 'refused an unverified peer')
      refuse(request, response, peer.text)
      return
    }
    deps.seen(peer)
    const actor = { who: peer.auditName, from, requestId: requestIdOf(request), at: deps.now() }
    const context: RequestContext = { identity: peer.identity, actor }
    observe(deps, request, response, context)
    next(request, response, context)
  }
}
