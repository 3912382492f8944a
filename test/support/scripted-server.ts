import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { type AddressInfo } from 'node:net'
import { type Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type TestCa } from './test-ca.ts'

export interface ReceivedRequest {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

/** Answers a request. */
export type Answer = (response: ServerResponse) => void

/** An HTTPS server that asks for no certificate and answers from a list, the last of which it repeats. */
export class ScriptedServer {
  readonly requests: ReceivedRequest[] = []
  readonly #server: Server
  readonly #sockets = new Set<Duplex>()

  private constructor(server: Server) {
    this.#server = server
    server.on('connection', (socket) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
    })
  }

  /** `continues`: whether it says "100 Continue" to who asks, or answers without having read the body. */
  static async start(
    ca: TestCa,
    answers: readonly Answer[],
    continues: 'at once' | 'never' | 'early answer' = 'at once',
  ): Promise<ScriptedServer> {
    const { cert, key } = await ca.server()
    const server = createServer({ cert, key })
    const scripted = new ScriptedServer(server)
    const left = [...answers]
    const answer = (response: ServerResponse): void => {
      const next = left.length > 1 ? left.shift() : left[0]
      next?.(response)
    }
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      void buffer(request).then(
        (body) => {
          const { method = '', url = '', headers } = request
          scripted.requests.push({ method, url, headers, body })
          answer(response)
        },
        () => undefined,
      )
    }
    server.on('request', onRequest)
    server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
      if (continues === 'early answer') {
        answer(response)
        return
      }
      if (continues === 'at once') response.writeContinue()
      onRequest(request, response)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return scripted
  }

  get url(): string {
    return `https://localhost:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

export function answer(
  status: number,
  body = '',
  headers: Readonly<Record<string, string>> = {},
  reason?: string,
): Answer {
  return (response) => {
    if (reason !== undefined) response.statusMessage = reason
    response.writeHead(status, headers).end(body)
  }
}
