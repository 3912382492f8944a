import { type Socket } from 'node:net'
import { type Server } from 'node:tls'

/** Hands a connection on to whoever stood there before; in the end to TLS. */
export type StartTls = (socket: Socket) => void

/**
 * Puts `receive` before those who take the server's connections: TLS at first, whose listener each server has from the
 * beginning, and whoever stands before it. To be called before anybody else listens for connections. A `net.Server` in
 * front would be no match for that: an HTTPS server that does not listen itself enforces none of its timeouts for
 * requests and knows of no idle connections.
 */
export function standBeforeTls(server: Server, receive: (socket: Socket, startTls: StartTls) => void): void {
  const listeners = server.listeners('connection')
  const startTls: StartTls = (socket) => {
    for (const listener of listeners) Reflect.apply(listener, server, [socket])
  }
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    receive(socket, startTls)
  })
}
