import { type RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import { type BoundedLog } from '../ops/bounded-log.ts'
import { type Metrics } from '../ops/metrics.ts'
import { Connections } from './connections.ts'
import { type PeerAddresses } from './peer-addresses.ts'
import { ProxyGate, type Network } from './proxy-gate.ts'
import { listen } from './listen.ts'
import { secureContextOptions, type TlsMaterial } from './tls-options.ts'

export interface MtlsServerOptions {
  readonly host: string
  readonly port: number
  readonly tls: TlsMaterial
  readonly drainMs: number
  /** The proxies whose word on where a connection comes from counts. */
  readonly proxies: readonly Network[]
}

export interface MtlsServerDeps {
  readonly addresses: PeerAddresses
  readonly metrics: Metrics
  readonly peerLog: BoundedLog
}

/** A peer that has not finished its handshake or its headers by then only costs memory. */
const HANDSHAKE_TIMEOUT_MS = 10_000
const HEADERS_TIMEOUT_MS = 10_000
/** "A few seconds (at least 3 seconds to cover a TCP retransmit)", says the PROXY protocol. */
const PROXY_HEADER_TIMEOUT_MS = 5000
/** How exact the two below are; Node looks every 30 s by itself. */
const TIMEOUT_CHECK_MS = 1000
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
    deps: MtlsServerDeps,
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
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
    })
    if (options.proxies.length > 0) {
      const gate = { from: options.proxies, timeoutMs: PROXY_HEADER_TIMEOUT_MS }
      new ProxyGate(deps, gate).standBefore(server)
    }
    const connections = new Connections(server)
    server.on('request', listener)
    // Without this, Node tells every client to send its body before anybody has looked at its rights.
    server.on('checkContinue', listener)
    // Nor is anybody else's request answered behind its back: other expectations may be ignored (RFC 9110, 10.1.1).
    server.on('checkExpectation', listener)
    server.on('tlsClientError', (error, socket) => {
      deps.metrics.failedHandshakes.inc()
      deps.peerLog.warn({ from: deps.addresses.of(socket), err: error.message }, 'a TLS handshake failed')
    })
    await listen(server, options)
    return new MtlsServer(server, connections, options.drainMs)
  }

  /** The port it listens on; differs from the one asked for when that was 0. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** Puts other certificates in force for handshakes to come; open connections stay as they are. */
  renew(tls: TlsMaterial): void {
    this.#server.setSecureContext(secureContextOptions(tls))
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
