import { type IncomingMessage, type ServerResponse } from 'node:http'
import { reasonPhrase } from './send.ts'

/** How long, and for how many bytes, an unverified peer may go on sending while it is being refused. */
const LINGER_MS = 2000
const LINGER_BYTES = 1024 * 1024

/**
 * Answers an unverified peer from the closed list and ends the connection. What the peer is still sending is read for a
 * moment: closing on unread data would reset the connection, and the peer would never see why it was refused.
 */
export function refuse(request: IncomingMessage, response: ServerResponse, text: string): void {
  const body = `${JSON.stringify({ error: text })}\n`
  response.writeHead(403, reasonPhrase(403, text), {
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
