import { once } from 'node:events'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { openTcp, openTls } from './behind-proxy.ts'
import { type TestPeer } from './test-ca.ts'
import { TestServer } from './test-server.ts'

/** A server with limits of its own, and connections to it that end with it. */
export class LimitedServer {
  readonly server: TestServer
  readonly #sockets: { destroy(): unknown }[] = []

  private constructor(server: TestServer) {
    this.server = server
  }

  static async start(limits: Readonly<Record<string, unknown>>): Promise<LimitedServer> {
    return new LimitedServer(await TestServer.start({ settings: { limits } }))
  }

  /** A TCP connection on which nothing has been said. */
  async openTcp(): ReturnType<typeof openTcp> {
    const socket = await openTcp(this.server.port)
    this.#sockets.push(socket)
    return socket
  }

  /** One after its handshake. */
  async openTls(peer: TestPeer): Promise<TLSSocket> {
    const { ca, cert, key } = peer
    return openTls(await this.openTcp(), { ca, cert, key })
  }

  /** How the server's end of a new connection ends: the handshake, or the error that stops it. */
  async tryTls({ ca, cert, key }: TestPeer): Promise<'established' | 'cut'> {
    const socket = connectTls({
      host: '127.0.0.1',
      port: this.server.port,
      servername: 'localhost',
      ca,
      cert,
      key,
    })
    this.#sockets.push(socket)
    return Promise.race([
      once(socket, 'secureConnect').then(() => 'established' as const),
      once(socket, 'close').then(() => 'cut' as const),
    ]).catch(() => 'cut' as const)
  }

  /** A metric's value; 0 while there is no such series. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`${this.server.opsUrl}/metrics`)).text()
    const line = text.split('\n').find((one) => one.startsWith(`${series} `))
    return Number(line?.slice(series.length + 1) ?? 0)
  }

  closeConnections(): void {
    for (const socket of this.#sockets.splice(0)) socket.destroy()
  }

  async close(): Promise<void> {
    this.closeConnections()
    await this.server.close()
  }
}
