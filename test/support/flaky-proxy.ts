import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** When a connection is cut: at once, in the middle of what the client sends, or as the reply to so much comes. */
export type Cut =
  | { readonly when: 'connected' }
  | { readonly when: 'sending'; readonly afterBytes: number }
  | { readonly when: 'replying'; readonly afterBytes: number }

/** Passes TCP connections on and cuts the first ones, each in its way. TLS goes through it end to end. */
export class FlakyProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #cuts: Cut[]

  private constructor(targetPort: number, cuts: readonly Cut[]) {
    this.#cuts = [...cuts]
    this.#server = createServer((client) => {
      this.#pass(client, targetPort)
    })
  }

  static async start(targetPort: number, cuts: readonly Cut[]): Promise<FlakyProxy> {
    const proxy = new FlakyProxy(targetPort, cuts)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get url(): string {
    return `https://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  /** The cuts that no connection has come for. */
  get cutsLeft(): number {
    return this.#cuts.length
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(client: Socket, targetPort: number): void {
    const cut = this.#cuts.shift()
    const target = connect(targetPort, '127.0.0.1')
    const end = (): void => {
      client.destroy()
      target.destroy()
    }
    for (const socket of [client, target]) {
      this.#sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        this.#sockets.delete(socket)
        end()
      })
    }
    if (cut?.when === 'connected') {
      end()
      return
    }
    let sentBytes = 0
    const isDue = (when: Cut['when']): boolean => cut?.when === when && sentBytes >= cut.afterBytes
    client.on('data', (chunk) => {
      sentBytes += chunk.length
      if (isDue('sending')) end()
      else target.write(chunk)
    })
    target.on('data', (chunk) => {
      if (isDue('replying')) end()
      else client.write(chunk)
    })
  }
}
