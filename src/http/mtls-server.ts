import { once } from 'node:events'
import { type RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import { AppError } from '../errors.ts'
import { type BoundedLog } from '../ops/bounded-log.ts'
import { type Metrics } from '../ops/metrics.ts'
import { Connections } from './connections.ts'
import { secureContextOptions, type TlsMaterial } from './tls-options.ts'

export interface MtlsServerOptions {
  readonly host: string
  readonly port: number
  readonly tls: TlsMaterial
  readonly drainMs: number
}

export interface MtlsServerDeps {
  readonly metrics: Metrics
  readonly peerLog: BoundedLog
}

/** A peer that has not finished its handshake or its headers by then only costs memory. */
const HANDSHAKE_TIMEOUT_MS = 10_000
const HEADERS_TIMEOUT_MS = 10_000
/** Whole requests, uploads included; Helm gives up after 120 s itself. */
const REQUEST_TIMEOUT_MS = 300_000

/** The HTTPS listener: TLS, connections and their end. Who may come in is the request listener's business. */
export class MtlsServer {
  readonly #server: Server
  readonly #connections: Connections
  readonly #drainMs: number

  private constructor(server: Server, connections: Connections, drainMs: number) {
    this.#server = server
    this.#connections = connections
    this.#drainMs = drainMs
  }

  /** Resolves once it listens. Throws `unavailable` when it cannot. */
  static async listen(
    { metrics, peerLog }: MtlsServerDeps,
    options: MtlsServerOptions,
    listener: RequestListener,
  ): Promise<MtlsServer> {
    const server = createServer({
      ...secureContextOptions(options.tls),
      requestCert: true,
      // The handshake of a peer that fails verification is completed, so that the refusal can say why (http/peer.ts).
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
    })
    const connections = new Connections(server)
    server.on('request', listener)
    // Without this, Node tells every client to send its body before anybody has looked at its rights.
    server.on('checkContinue', listener)
    server.on('tlsClientError', (error, socket) => {
      metrics.failedHandshakes.inc()
      peerLog.warn({ from: socket.remoteAddress, err: error.message }, 'a TLS handshake failed')
    })
    server.listen({ host: options.host, port: options.port })
    await once(server, 'listening').catch((error: unknown) => {
      throw cannotListen(options, error)
    })
    return new MtlsServer(server, connections, options.drainMs)
  }

  /** The port it listens on; differs from the one asked for when that was 0. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Refuses new connections, lets requests in flight finish until the deadline, then cuts what is left. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => {
        resolve()
      })
    })
    this.#connections.drain()
    // Those whose reply had begun before.
    const idle = setInterval(() => {
      this.#connections.closeIdle()
    }, IDLE_CHECK_MS)
    const deadline = setTimeout(() => {
      this.#connections.destroy()
    }, this.#drainMs)
    await closed
    clearInterval(idle)
    clearTimeout(deadline)
  }
}

const IDLE_CHECK_MS = 100

function cannotListen({ host, port }: MtlsServerOptions, error: unknown): AppError {
  const why = error instanceof Error ? error.message : String(error)
  return new AppError('unavailable', `cannot listen on ${host}:${port}: ${why}`, { cause: error })
}
