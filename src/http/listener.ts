import { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { TLSSocket } from 'node:tls'
import { type Logger } from 'pino'
import { type BoundedLog } from '../ops/bounded-log.ts'
import { type Metrics } from '../ops/metrics.ts'
import { observe, requestIdOf } from './observer.ts'
import { judgeNow, readPeer, type Peer } from './peer.ts'
import { refuse } from './refuse.ts'
import { type RequestContext } from './request-context.ts'
import { type TrustAnchor } from './trust-anchor.ts'

export interface ListenerDeps {
  readonly anchorsInForce: () => readonly TrustAnchor[]
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
  const peers = new WeakMap<TLSSocket, Peer>()

  function peerOf(socket: TLSSocket): Peer {
    const known = peers.get(socket) ?? readPeer(socket, deps.anchorsInForce())
    peers.set(socket, known)
    return judgeNow(known, deps.now())
  }

  return (request, response) => {
    const { socket } = request
    const from = socket.remoteAddress ?? 'unknown'
    const peer: Peer =
      socket instanceof TLSSocket ? peerOf(socket) : { verified: false, refusal: 'no-certificate' }
    if (!peer.verified) {
      deps.metrics.refusedPeers.inc({ reason: peer.refusal })
      deps.peerLog.warn({ from, reason: peer.refusal }, 'refused an unverified peer')
      refuse(request, response, peer.refusal)
      return
    }
    const context = { requestId: requestIdOf(request), from, identity: peer.identity, at: deps.now() }
    response.setHeader('x-request-id', context.requestId)
    observe(deps, request, response, context)
    next(request, response, context)
  }
}
