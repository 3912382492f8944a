import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer, type Server } from 'node:https'
import { type AddressInfo } from 'node:net'
import { type Duplex } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { type TestPeer } from './test-ca.ts'

export interface ReceivedDelivery {
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly message: Readonly<Record<string, string>>
}

/** An HTTPS endpoint for webhooks that can be taken down and come back on its port. */
export class WebhookReceiver {
  readonly deliveries: ReceivedDelivery[] = []
  /** Answers from now on. */
  answer: (response: ServerResponse) => void = answerWith(204)
  readonly #peer: TestPeer
  readonly #sockets = new Set<Duplex>()
  #server: Server | undefined
  #port = 0

  constructor(peer: TestPeer) {
    this.#peer = peer
  }

  get url(): string {
    return `https://localhost:${this.#port}/hook`
  }

  /** `publish demo 1.0.0`, in the order of their arrival. */
  get heard(): readonly string[] {
    return this.deliveries.map(({ message: { event, chart, version } }) =>
      [event, chart, version].filter((word) => word !== undefined).join(' '),
    )
  }

  async up(): Promise<void> {
    const { cert, key } = this.#peer
    const server = createServer({ cert, key }, (request, response) => {
      void this.#receive(request, response)
    })
    server.on('connection', (socket: Duplex) => {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#port = (server.address() as AddressInfo).port
    this.#server = server
  }

  async down(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    for (const socket of this.#sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = (await buffer(request)).toString()
    const message = JSON.parse(body) as ReceivedDelivery['message']
    this.deliveries.push({ headers: request.headers, body, message })
    this.answer(response)
  }
}

export function answerWith(
  status: number,
  headers: Readonly<Record<string, string>> = {},
): (response: ServerResponse) => void {
  return (response) => {
    response.writeHead(status, headers).end()
  }
}

/** As a receiver checks it. */
export function isSignedWith(secret: string, { headers, body }: ReceivedDelivery): boolean {
  const [, time, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(headers['x-chartroom-signature'])) ?? []
  return mac === createHmac('sha256', secret).update(`${time}.${body}`).digest('hex')
}
