import { type RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import { GuardedConnections, type ConnectionDeps, type ConnectionLimits } from './guarded-connections.ts'
import { ProxyGate, type Network } from './proxy-gate.ts'
import { listen, type ListenAddress } from './listen.ts'
import { secureContextOptions, type TlsMaterial } from './tls-options.ts'

export interface MtlsServerOptions extends ListenAddress {
  readonly tls: TlsMaterial
  readonly drainMs: number
  /** The proxies whose word on where a connection comes from counts. */
  readonly proxies: readonly Network[]
  readonly limits: ServerLimits
}

/** Times are in milliseconds. */
export interface ServerLimits extends ConnectionLimits {
  readonly handshakeTimeout: number
  readonly headersTimeout: number
  /** For a whole request, its body included. */
  readonly requestTimeout: number
  /** How long a connection is kept open for another request. */
  readonly idleTimeout: number
}

/** "A few seconds (at least 3 seconds to cover a TCP retransmit)", says the PROXY protocol. */
const PROXY_HEADER_TIMEOUT_MS = 5000
/** How exact the limits for headers and requests are; Node looks every 30 s by itself. */
const TIMEOUT_CHECK_MS = 1000

/** The HTTPS listener: TLS, connections and their end. Who may come in is the request listener's business. */
export class MtlsServer {
  readonly #server: Server
  readonly #guarded: GuardedConnections
  readonly #drainMs: number

  private constructor(server: Server, guarded: GuardedConnections, drainMs: number) {
    this.#server = server
    this.#guarded = guarded
    this.#drainMs = drainMs
  }

  /** Resolves once it listens. Throws `unavailable` when it cannot. */
  static async listen(
    deps: ConnectionDeps,
    options: MtlsServerOptions,
    listener: RequestListener,
  ): Promise<MtlsServer> {
    const { limits } = options
    const server = createServer({
      ...secureContextOptions(options.tls),
      requestCert: true,
      // The handshake of a peer that fails verification is completed, so that the refusal can say why (http/peer.ts).
      rejectUnauthorized: false,
      handshakeTimeout: limits.handshakeTimeout,
      // Node refuses one that is longer than the whole request may take.
      headersTimeout: Math.min(limits.headersTimeout, limits.requestTimeout),
      connectionsCheckingInterval: TIMEOUT_CHECK_MS,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.idleTimeout,
    })
    if (options.proxies.length > 0) {
      const gate = { from: options.proxies, timeoutMs: PROXY_HEADER_TIMEOUT_MS }
      new ProxyGate(deps, gate).standBefore(server)
    }
    const guarded = new GuardedConnections(deps, server, limits)
    const admitted = guarded.within(listener)
    server.on('request', admitted)
    // Without this, Node tells every client to send its body before anybody has looked at its rights.
    server.on('checkContinue', admitted)
    // Nor is anybody else's request answered behind its back: other expectations may be ignored (RFC 9110, 10.1.1).
    server.on('checkExpectation', admitted)
    server.on('tlsClientError', (error, socket) => {
      deps.metrics.failedHandshakes.inc()
      deps.peerLog.warn({ from: deps.addresses.of(socket), err: error.message }, 'a TLS handshake failed')
    })
    await listen(server, options)
    return new MtlsServer(server, guarded, options.drainMs)
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
    const { connections } = this.#guarded
    connections.drain()
    // Those whose reply had begun before.
    const idle = setInterval(() => {
      connections.closeIdle()
    }, IDLE_CHECK_MS)
    const deadline = setTimeout(() => {
      connections.destroy()
    }, this.#drainMs)
    await closed
    this.#guarded.close()
    clearInterval(idle)
    clearTimeout(deadline)
  }
}

const IDLE_CHECK_MS = 100
