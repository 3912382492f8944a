import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { asciiOnly } from '../text.ts'
import { selectRange } from './range.ts'
import { type Body, type FileRange, type Reply } from './reply.ts'

/** Past this, a body is written in slices that wait for `drain`: a slow reader then holds one slice, not the body. */
const SLICE_BYTES = 512 * 1024

/** Up to this, a body goes out in one piece with the head: one write, and one TLS record where it fits. */
const ONE_PIECE_BYTES = 14 * 1024

/** Longer status lines are refused by some proxies. */
const LONGEST_REASON = 400

/**
 * Sends a reply: conditional requests, ranges, HEAD and back-pressure, the same for every route. `common` are names and
 * values, in turn, of headers that do not depend on the reply.
 */
export async function send(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  common: readonly string[] = [],
): Promise<void> {
  const headers = [...common]
  if (reply.etag !== undefined) headers.push('etag', reply.etag)
  for (const name in reply.headers) headers.push(name, reply.headers[name] ?? '')
  const sending: Sending = { request, response, reply, headers }
  if (reply.status === 200 && isFresh(request, reply.etag)) {
    response.writeHead(304, reasonPhrase(304), headers).end()
    return
  }
  const { body } = reply
  if (body === undefined) {
    headers.push('content-length', '0')
    response.writeHead(reply.status, reasonPhrase(reply.status, reply.reason), headers).end()
    return
  }
  await (body.kind === 'file' ? sendFile(sending, body) : sendBytes(sending, body))
}

/** The status line's reason phrase: standard phrase and cause, one line of printable ASCII. */
export function reasonPhrase(status: number, cause?: string): string {
  const standard = STATUS_CODES[status] ?? 'Unknown'
  if (cause === undefined) return standard
  return asciiOnly(`${standard}: ${cause}`).slice(0, LONGEST_REASON)
}

interface Sending {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly reply: Reply
  /** Names and values in turn: Node writes such a list as it is. */
  readonly headers: string[]
}

/** RFC 9110, section 13.1.2; comparison is weak, `*` matches whatever there is. */
function isFresh(request: IncomingMessage, etag: string | undefined): boolean {
  const condition = request.headers['if-none-match']
  if (etag === undefined || condition === undefined) return false
  return condition.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}

async function sendBytes(
  { request, response, reply, headers }: Sending,
  body: Extract<Body, { kind: 'bytes' }>,
): Promise<void> {
  const buffers = await body.bytes()
  let size = 0
  for (const { length } of buffers) size += length
  headers.push('content-length', String(size))
  response.writeHead(reply.status, reasonPhrase(reply.status, reply.reason), headers)
  if (request.method === 'HEAD') response.end()
  else await writeBody(response, buffers, size)
}

async function sendFile(
  { request, response, reply, headers }: Sending,
  body: Extract<Body, { kind: 'file' }>,
): Promise<void> {
  headers.push('accept-ranges', 'bytes')
  const selected = selectRange(request.headers, body.size, reply.etag)
  if (selected === 'unsatisfiable') {
    headers.push('content-range', `bytes */${body.size}`, 'content-length', '0')
    response.writeHead(416, reasonPhrase(416), headers).end()
    return
  }
  const range: FileRange = selected ?? { start: 0, end: body.size - 1 }
  // Opened before the status is written: a blob that is gone is still a clean error.
  const opened = request.method === 'HEAD' ? undefined : await body.open(range)
  const size = range.end - range.start + 1
  headers.push('content-length', String(size))
  if (selected !== undefined) headers.push('content-range', `bytes ${range.start}-${range.end}/${body.size}`)
  const status = selected === undefined ? reply.status : 206
  response.writeHead(status, reasonPhrase(status), headers)
  if (opened === undefined) response.end()
  else if (Buffer.isBuffer(opened)) await writeBody(response, [opened], size)
  else await pipeline(opened, response)
}

async function writeBody(response: ServerResponse, buffers: readonly Buffer[], size: number): Promise<void> {
  if (size <= ONE_PIECE_BYTES) {
    // As text of one byte a character, which Node joins with the head; a buffer would be a write of its own.
    response.end(buffers.map((buffer) => buffer.toString('latin1')).join(''), 'latin1')
    return
  }
  let written = 0
  for (const buffer of buffers) {
    for (let start = 0; start < buffer.length; start += SLICE_BYTES) {
      if (response.destroyed) return
      const slice = buffer.subarray(start, start + SLICE_BYTES)
      written += slice.length
      if (written === size) response.end(slice)
      else if (!response.write(slice)) await drained(response)
    }
  }
}

/** Resolves when more may be written, or when nobody reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    function settle(): void {
      response.off('drain', settle)
      response.off('close', settle)
      resolve()
    }
    response.on('drain', settle)
    response.on('close', settle)
  })
}
