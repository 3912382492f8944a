import { once } from 'node:events'
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { asciiOnly } from '../text.ts'
import { selectRange } from './range.ts'
import { type Body, type FileRange, type Reply } from './reply.ts'

/** Past this, a body is written in slices that wait for `drain`: a slow reader then holds one slice, not the body. */
const SLICE_BYTES = 512 * 1024

/** Longer status lines are refused by some proxies. */
const LONGEST_REASON = 400

/** Sends a reply: conditional requests, ranges, HEAD and back-pressure, the same for every route. */
export async function send(request: IncomingMessage, response: ServerResponse, reply: Reply): Promise<void> {
  if (reply.etag !== undefined) response.setHeader('etag', reply.etag)
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value)
  if (reply.status === 200 && isFresh(request, reply.etag)) {
    writeStatus(response, 304)
    response.end()
    return
  }
  if (reply.body === undefined) {
    response.setHeader('content-length', 0)
    writeStatus(response, reply.status, reply.reason)
    response.end()
    return
  }
  await sendBody(request, response, reply, reply.body)
}

/** The status line's reason phrase: standard phrase and cause, one line of printable ASCII. */
export function reasonPhrase(status: number, cause?: string): string {
  const standard = STATUS_CODES[status] ?? 'Unknown'
  if (cause === undefined) return standard
  return asciiOnly(`${standard}: ${cause}`).slice(0, LONGEST_REASON)
}

function writeStatus(response: ServerResponse, status: number, cause?: string): void {
  response.writeHead(status, reasonPhrase(status, cause))
}

/** RFC 9110, section 13.1.2; comparison is weak, `*` matches whatever there is. */
function isFresh(request: IncomingMessage, etag: string | undefined): boolean {
  const condition = request.headers['if-none-match']
  if (etag === undefined || condition === undefined) return false
  return condition.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag)
}

async function sendBody(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  body: Body,
): Promise<void> {
  if (body.kind === 'file') {
    await sendFile(request, response, reply, body)
    return
  }
  const buffers = await body.bytes()
  response.setHeader(
    'content-length',
    buffers.reduce((sum, { length }) => sum + length, 0),
  )
  writeStatus(response, reply.status, reply.reason)
  if (request.method !== 'HEAD') await writeSlices(response, buffers)
  response.end()
}

async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  reply: Reply,
  body: Extract<Body, { kind: 'file' }>,
): Promise<void> {
  response.setHeader('accept-ranges', 'bytes')
  const selected = selectRange(request.headers, body.size, reply.etag)
  if (selected === 'unsatisfiable') {
    response.setHeader('content-range', `bytes */${body.size}`)
    response.setHeader('content-length', 0)
    writeStatus(response, 416)
    response.end()
    return
  }
  const range: FileRange = selected ?? { start: 0, end: body.size - 1 }
  // Opened before the status is written: a blob that is gone is still a clean error.
  const stream = request.method === 'HEAD' ? undefined : await body.open(range)
  response.setHeader('content-length', range.end - range.start + 1)
  if (selected !== undefined) {
    response.setHeader('content-range', `bytes ${range.start}-${range.end}/${body.size}`)
  }
  writeStatus(response, selected === undefined ? reply.status : 206)
  if (stream === undefined) response.end()
  else await pipeline(stream, response)
}

async function writeSlices(response: ServerResponse, buffers: readonly Buffer[]): Promise<void> {
  for (const buffer of buffers) {
    for (let start = 0; start < buffer.length; start += SLICE_BYTES) {
      if (response.destroyed) return
      if (!response.write(buffer.subarray(start, start + SLICE_BYTES))) await drained(response)
    }
  }
}

/** Resolves when more may be written, or when nobody reads any more. */
async function drained(response: ServerResponse): Promise<void> {
  const waiting = new AbortController()
  const { signal } = waiting
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  } finally {
    waiting.abort()
  }
}
