import { once } from 'node:events'
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer, type ServerOptions } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { type Upstream } from '../../src/mirror/upstream.ts'

export type UpstreamAnswer = (response: ServerResponse, request: IncomingMessage) => void

/** Another repository, of which each path answers as it is told to, on all names of this machine. */
export class UpstreamServer {
  answers: Readonly<Record<string, UpstreamAnswer>> = {}
  readonly requests: IncomingMessage[] = []
  readonly #server: Server
  readonly #scheme: string

  private constructor(server: Server, scheme: string) {
    this.#server = server
    this.#scheme = scheme
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.requests.push(request)
      const { pathname } = new URL(request.url ?? '', 'http://x')
      const answer = this.answers[pathname]
      if (answer === undefined) response.writeHead(404).end()
      else answer(response, request)
    })
  }

  /** Over plain HTTP without options. */
  static async start(tls?: ServerOptions): Promise<UpstreamServer> {
    const server = tls === undefined ? createHttpServer() : createHttpsServer(tls)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new UpstreamServer(server, tls === undefined ? 'http' : 'https')
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  url(path: string, host = 'localhost'): URL {
    return new URL(`${this.#scheme}://${host}:${this.port}${path}`)
  }

  /** Those who ask for a connection with CONNECT get one to this port of this machine, and `targets` says for what. */
  tunnelTo(port: number, targets: string[], headers: IncomingMessage['headers'][] = []): void {
    this.#server.on('connect', (request: IncomingMessage, socket: Socket) => {
      targets.push(request.url ?? '')
      headers.push(request.headers)
      const target = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(target).pipe(socket)
      })
      socket.on('error', () => target.destroy())
      target.on('error', () => socket.destroy())
      socket.on('close', () => target.destroy())
    })
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** One that may be on this machine and asks no more than it must. */
export function upstreamAt(url: URL, ca: string, settings: Partial<Upstream> = {}): Upstream {
  return {
    name: 'test',
    url,
    isInsecure: url.protocol === 'http:',
    tls: { ca: [ca] },
    foreignTls: { ca: [ca] },
    hosts: [],
    privateAddresses: [{ address: '127.0.0.0', prefix: 8 }],
    timeoutMs: 20_000,
    connectTimeoutMs: 20_000,
    ...settings,
  }
}
