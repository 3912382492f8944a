import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Server } from 'node:https'
import { type Socket } from 'node:net'

/** A server's open connections and what they are busy with: what an orderly end has to know. */
export class Connections {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Those on which no request has come yet, by their peer: a TLS socket does not tell which TCP socket it is on. */
  readonly #unused = new Map<string, Socket>()
  readonly #replies = new Set<ServerResponse>()
  #draining = false

  /** To be made before the server has any other listener for requests. */
  constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket: Socket) => {
      this.#open(socket)
    })
    for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
      server.on(event, ({ socket }: IncomingMessage, response: ServerResponse) => {
        this.#unused.delete(peerOf(socket))
        this.#serve(response)
      })
    }
  }

  /** Ends the connections that wait for a request; the others end with the reply that they are busy with. */
  drain(): void {
    this.#draining = true
    for (const reply of this.#replies) if (!reply.headersSent) reply.shouldKeepAlive = false
    // Node's own notion of idle leaves out those that have never been used.
    for (const socket of this.#unused.values()) socket.destroy()
    this.closeIdle()
  }

  closeIdle(): void {
    this.#server.closeIdleConnections()
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
    this.#sockets.add(socket)
    this.#unused.set(peer, socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      if (this.#unused.get(peer) === socket) this.#unused.delete(peer)
    })
  }

  #serve(response: ServerResponse): void {
    this.#replies.add(response)
    if (this.#draining) response.shouldKeepAlive = false
    response.once('close', () => this.#replies.delete(response))
  }
}

function peerOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}
