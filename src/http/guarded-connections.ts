import { type RequestListener } from 'node:http'
import { type Server } from 'node:https'
import { type DropArgument } from 'node:net'
import { type BoundedLog } from '../ops/bounded-log.ts'
import { type Metrics } from '../ops/metrics.ts'
import { Connections } from './connections.ts'
import { HandshakeRate, paceHandshakes } from './handshake-rate.ts'
import { type PeerAddresses } from './peer-addresses.ts'
import { turnAway } from './refuse.ts'
import { StallWatch, type StallLimits } from './stall-watch.ts'

export interface ConnectionLimits extends StallLimits {
  /** Open ones that are served. */
  readonly connections: number
  /** A second. */
  readonly handshakes: number
}

export interface ConnectionDeps {
  readonly addresses: PeerAddresses
  readonly metrics: Metrics
  readonly peerLog: BoundedLog
}

/** Why a connection was closed; a closed list, as each makes a series of its own. */
type Cause = 'connections' | 'handshakes' | 'unused' | 'upload-stalled' | 'reply-stalled'

const TEXTS = {
  connections: 'closed a connection: too many are open',
  handshakes: 'closed a connection: too many are being opened',
  unused: 'closed a connection without a request to make room for another',
  'upload-stalled': 'closed a connection: nothing more came of its upload',
  'reply-stalled': 'closed a connection: nothing more of its reply was taken',
} as const satisfies Record<Cause, string>

/** Beyond the limit, so many more get their handshake, to be told that there are too many. */
const RESERVE_SHARE = 1 / 8
const SMALLEST_RESERVE = 16
const RETRY_AFTER_S = 5

/**
 * Keeps a server's connections within their limits. To be made after what stands before TLS, and before the server has
 * any other listener.
 */
export class GuardedConnections {
  readonly connections: Connections
  readonly #deps: ConnectionDeps
  readonly #stalls: StallWatch
  readonly #most: number

  constructor(deps: ConnectionDeps, server: Server, limits: ConnectionLimits) {
    this.#deps = deps
    this.#most = limits.connections
    const reserve = Math.max(SMALLEST_RESERVE, Math.ceil(limits.connections * RESERVE_SHARE))
    server.maxConnections = limits.connections + reserve
    server.on('drop', (dropped?: DropArgument) => {
      this.#note('connections', dropped?.remoteAddress)
    })
    paceHandshakes(server, new HandshakeRate(limits.handshakes), (socket) => {
      this.#note('handshakes', socket.remoteAddress)
      socket.resetAndDestroy()
    })
    this.connections = new Connections(server, {
      most: limits.connections,
      onCount: (open) => {
        deps.metrics.openConnections.set(open)
      },
      onEvicted: (socket) => {
        this.#note('unused', socket.remoteAddress)
      },
    })
    this.#stalls = new StallWatch(this.connections, limits, (socket, waiting) => {
      this.#note(`${waiting}-stalled`, deps.addresses.of(socket))
      socket.destroy()
    })
  }

  /** The listener, for connections that are within the limit; the others are told and end. */
  within(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (!this.connections.isSurplus(request.socket)) {
        listener(request, response)
        return
      }
      this.#deps.metrics.limitedRequests.inc({ reason: 'connections' })
      turnAway(request, response, {
        status: 503,
        text: `the server is busy: ${this.#most} connections are open; try again`,
        headers: { 'retry-after': String(RETRY_AFTER_S) },
      })
    }
  }

  close(): void {
    this.#stalls.close()
  }

  #note(reason: Cause, from = 'unknown'): void {
    this.#deps.metrics.refusedConnections.inc({ reason })
    this.#deps.peerLog.warn({ from, reason }, TEXTS[reason])
  }
}
