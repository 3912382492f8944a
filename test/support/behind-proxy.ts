import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'

/** A connection to this machine as a proxy makes it, from an address of its own (127.0.0.1 unless given). */
export async function openTcp(port: number, localAddress = '127.0.0.1'): Promise<Socket> {
  const socket = connectTcp({ host: '127.0.0.1', port, localAddress, noDelay: true })
  await once(socket, 'connect')
  // One that the server cuts may end in a reset.
  socket.on('error', () => undefined)
  return socket
}

/** TLS on a connection on which something has been said before. Resolves after the handshake. */
export async function openTls(socket: Duplex, options: ConnectionOptions): Promise<TLSSocket> {
  const secure = connectTls({ socket, servername: 'localhost', ...options })
  await once(secure, 'secureConnect')
  secure.on('error', () => undefined)
  return secure
}

/** Each byte by itself, after the server has had the chance to read the one before it. */
export async function writeByBytes(socket: Socket, bytes: Buffer): Promise<void> {
  for (const byte of bytes) {
    socket.write(Buffer.from([byte]))
    await setImmediate()
    await setImmediate()
  }
}

/** The connection, with `prefix` in one piece with the first that is written to it. */
export function prefixed(socket: Socket, prefix: Buffer): Duplex {
  let pending: Buffer | undefined = prefix
  const stream = new Duplex({
    read() {
      socket.resume()
    },
    write(chunk: Buffer, _encoding, callback) {
      socket.write(pending === undefined ? chunk : Buffer.concat([pending, chunk]), callback)
      pending = undefined
    },
    final(callback) {
      socket.end(callback)
    },
    destroy(error, callback) {
      socket.destroy()
      callback(error)
    },
  })
  socket.on('data', (chunk: Buffer) => {
    if (!stream.push(chunk)) socket.pause()
  })
  socket.once('close', () => stream.push(null))
  return stream
}
