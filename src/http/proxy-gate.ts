import { BlockList, isIPv6, type Socket } from 'node:net'
import { type Server } from 'node:tls'
import { type BoundedLog } from '../ops/bounded-log.ts'
import { type Metrics } from '../ops/metrics.ts'
import { standBeforeTls, type StartTls } from './before-tls.ts'
import { canonicalAddress } from './ip-address.ts'
import { type PeerAddresses } from './peer-addresses.ts'
import { readProxyHeader } from './read-proxy-header.ts'

/** The IP addresses that begin as `address` does, in its first `prefix` bits. */
export interface Network {
  readonly address: string
  readonly prefix: number
}

export interface ProxyGateDeps {
  readonly addresses: PeerAddresses
  readonly metrics: Metrics
  readonly peerLog: BoundedLog
}

export interface ProxyGateOptions {
  /** The proxies. */
  readonly from: readonly Network[]
  /** For the whole header, however it trickles in. */
  readonly timeoutMs: number
}

/**
 * Stands before TLS. A connection from a proxy has to begin with a PROXY header. On any other connection a header is
 * not even looked for, so that nobody can choose the address that he is known by.
 */
export class ProxyGate {
  readonly #deps: ProxyGateDeps
  readonly #timeoutMs: number
  readonly #proxies = new BlockList()
  /** Connections on their way through the handshake: a TLS socket does not tell which TCP socket it is on. */
  readonly #clients = new Map<string, Client>()

  constructor(deps: ProxyGateDeps, { from, timeoutMs }: ProxyGateOptions) {
    this.#deps = deps
    this.#timeoutMs = timeoutMs
    for (const { address, prefix } of from) this.#proxies.addSubnet(address, prefix, familyOf(address))
  }

  /** To be called before anybody else listens for the server's connections. */
  standBefore(server: Server): void {
    standBeforeTls(server, (socket, startTls) => {
      void this.#receive(socket, startTls)
    })
    server.prependListener('secureConnection', (socket) => {
      // It is gone already, and so is what tells which it was. Nobody's requests must count as the proxy's.
      if (!this.#tell(socket)) socket.destroy()
    })
    server.prependListener('tlsClientError', (_error, socket) => {
      this.#tell(socket)
    })
  }

  async #receive(socket: Socket, startTls: StartTls): Promise<void> {
    // Until TLS listens for errors itself; "close" comes after each.
    socket.on('error', () => undefined)
    if (socket.remoteAddress === undefined) {
      socket.destroy()
      return
    }
    const sender = canonicalAddress(socket.remoteAddress)
    if (!this.#proxies.check(sender, familyOf(sender))) {
      this.#expect(socket, sender)
      startTls(socket)
      return
    }
    const header = await readProxyHeader(socket, this.#timeoutMs)
    if ('refusal' in header) {
      this.#deps.metrics.refusedProxyHeaders.inc({ reason: header.refusal })
      this.#deps.peerLog.warn({ from: sender, err: header.why }, 'refused a connection from a proxy')
      socket.destroy()
      return
    }
    this.#expect(socket, header.source ?? sender)
    startTls(socket)
  }

  /** Keeps the client's address until the handshake is over. */
  #expect(socket: Socket, address: string): void {
    const ends = endsOf(socket)
    const client = { address }
    this.#clients.set(ends, client)
    socket.once('close', () => {
      // The same ends may be another connection's by now.
      if (this.#clients.get(ends) === client) this.#clients.delete(ends)
    })
  }

  #tell(socket: Socket): boolean {
    const client = this.#clients.get(endsOf(socket))
    if (client === undefined) return false
    this.#deps.addresses.tell(socket, client.address)
    return true
  }
}

interface Client {
  readonly address: string
}

function familyOf(address: string): 'ipv4' | 'ipv6' {
  return isIPv6(address) ? 'ipv6' : 'ipv4'
}

/** Which connection it is, among those open on one port. */
function endsOf({ remoteAddress = '', remotePort = 0, localAddress = '' }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress}`
}
