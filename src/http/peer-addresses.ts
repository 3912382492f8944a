import { type Socket } from 'node:net'

/** Where connections come from, for the log, the audit and limits: the client, also behind a proxy that says so. */
export class PeerAddresses {
  readonly #told = new WeakMap<Socket, string>()

  /** By the connection's TLS socket. */
  of(socket: Socket): string {
    return this.#told.get(socket) ?? socket.remoteAddress ?? 'unknown'
  }

  /** To be believed instead of what the socket says. */
  tell(socket: Socket, address: string): void {
    this.#told.set(socket, address)
  }
}
