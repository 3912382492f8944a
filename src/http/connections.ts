import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Server } from 'node:https'
import { type Socket } from 'node:net'
import { type TLSSocket } from 'node:tls'

export interface ConnectionsOptions {
  /** How many may be open and served. */
  readonly most: number
  /** Told how many there are whenever that changes. */
  readonly onCount: (open: number) => void
  /** Told when one is closed to make room, before it is. */
  readonly onEvicted: (socket: Socket) => void
}

/**
 * So long, a connection may take to its first request, whatever else comes: handshakes across the world included. Also
 * for what is still to come of a request that is answered.
 */
const GRACE_MS = 3000
/** How often idle connections are closed to make room: each time it is all of them. */
const IDLE_INTERVAL_MS = 1000

/** A server's open connections and what they are busy with: what limits and an orderly end have to know. */
export class Connections {
  readonly #server: Server
  readonly #options: ConnectionsOptions
  readonly #sockets = new Set<Socket>()
  /**
   * Those on which no request has come yet, the oldest first, by their peer: a TLS socket does not tell which TCP
   * socket it is on.
   */
  readonly #unused = new Map<string, { readonly socket: Socket; readonly openedMs: number }>()
  readonly #surplus = new WeakSet<Socket>()
  readonly #replies = new Set<ServerResponse>()
  /** Requests that were answered before they had come as a whole, by their socket. */
  readonly #unfinished = new Map<Socket, { readonly request: IncomingMessage; readonly answeredMs: number }>()
  #idleClosedMs = -Infinity
  #draining = false

  /** To be made before the server has any other listener for requests. */
  constructor(server: Server, options: ConnectionsOptions) {
    this.#server = server
    this.#options = options
    server.on('connection', (socket: Socket) => {
      this.#open(socket)
    })
    server.on('secureConnection', (socket: TLSSocket) => {
      if (this.#sockets.size > options.most) this.#surplus.add(socket)
    })
    for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
      server.on(event, (request: IncomingMessage, response: ServerResponse) => {
        this.#unused.delete(peerOf(request.socket))
        this.#unfinished.delete(request.socket)
        this.#serve(request, response)
      })
    }
  }

  /** The requests in progress. */
  get replies(): ReadonlySet<ServerResponse> {
    return this.#replies
  }

  /** The requests that are answered, and of which more is to come. */
  get unfinished(): readonly IncomingMessage[] {
    return Array.from(this.#unfinished.values(), ({ request }) => request)
  }

  /** Whether there were too many when it was established: then its request is to be refused, and it ends. */
  isSurplus(socket: Socket): boolean {
    return this.#surplus.has(socket)
  }

  /** Ends the connections that wait for a request; the others end with the reply that they are busy with. */
  drain(): void {
    this.#draining = true
    for (const reply of this.#replies) if (!reply.headersSent) reply.shouldKeepAlive = false
    // Node's own notion of idle leaves out those that have never been used.
    for (const { socket } of this.#unused.values()) socket.destroy()
    this.closeIdle()
  }

  /** Also those on which, since the reply, the rest of a request has not come: to Node, they are busy. */
  closeIdle(): void {
    this.#server.closeIdleConnections()
    const nowMs = performance.now()
    for (const [socket, { answeredMs }] of this.#unfinished)
      if (nowMs - answeredMs >= GRACE_MS) socket.destroy()
  }

  /** Cuts all of them, whatever they are busy with. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #open(socket: Socket): void {
    if (this.#draining) {
      socket.destroy()
      return
    }
    const peer = peerOf(socket)
    const opened = { socket, openedMs: performance.now() }
    this.#sockets.add(socket)
    this.#unused.set(peer, opened)
    this.#options.onCount(this.#sockets.size)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.#options.onCount(this.#sockets.size)
      if (this.#unused.get(peer) === opened) this.#unused.delete(peer)
    })
    if (this.#sockets.size > this.#options.most) this.#makeRoom(opened.openedMs)
  }

  /** Those that only wait go first: nobody who holds connections without using them keeps others out. */
  #makeRoom(nowMs: number): void {
    const [oldest] = this.#unused.values()
    if (oldest !== undefined && nowMs - oldest.openedMs >= GRACE_MS) {
      this.#unused.delete(peerOf(oldest.socket))
      this.#options.onEvicted(oldest.socket)
      oldest.socket.destroy()
    } else if (nowMs - this.#idleClosedMs >= IDLE_INTERVAL_MS) {
      this.#idleClosedMs = nowMs
      this.closeIdle()
    }
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    this.#replies.add(response)
    if (this.#draining) response.shouldKeepAlive = false
    response.once('close', () => {
      this.#replies.delete(response)
      this.#await(request)
    })
  }

  /** The rest of a request that is answered: it is read and dropped, so that the connection can go on with the next. */
  #await(request: IncomingMessage): void {
    const { socket } = request
    if (request.complete || socket.destroyed) return
    this.#unfinished.set(socket, { request, answeredMs: performance.now() })
    const forget = (): void => {
      request.off('end', forget)
      socket.off('close', forget)
      if (this.#unfinished.get(socket)?.request === request) this.#unfinished.delete(socket)
    }
    request.once('end', forget)
    socket.once('close', forget)
    request.resume()
  }
}

function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
