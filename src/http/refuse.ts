import { type IncomingMessage, type ServerResponse } from 'node:http'
import { reasonPhrase } from './send.ts'

/** How long, and for how many bytes, a peer may go on sending while it is being refused. */
const LINGER_MS = 2000
const LINGER_BYTES = 1024 * 1024

export interface Refusal {
  readonly status: number
  readonly text: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Answers an unverified peer from the closed list and ends the connection. */
export function refuse(request: IncomingMessage, response: ServerResponse, text: string): void {
  turnAway(request, response, { status: 403, text })
}

/**
 * Answers a request and ends its connection, whoever sent it. What the peer is still sending is read for a moment:
 * closing on unread data would reset the connection, and the peer would never see why it was refused.
 */
export function turnAway(
  request: IncomingMessage,
  response: ServerResponse,
  { status, text, headers }: Refusal,
): void {
  const body = `${JSON.stringify({ error: text })}\n`
  response.writeHead(status, reasonPhrase(status, text), {
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  })
  if (request.method !== 'HEAD') response.write(body)
  const end = (): void => {
    clearTimeout(deadline)
    response.end()
  }
  const deadline = setTimeout(end, LINGER_MS)
  let received = 0
  request.on('data', (chunk: Buffer) => {
    received += chunk.length
    if (received > LINGER_BYTES) end()
  })
  request.once('end', end)
  request.once('close', end)
}
