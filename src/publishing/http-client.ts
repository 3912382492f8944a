import { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { pipeline } from 'node:stream/promises'
import { type Environment } from '../config/env.ts'
import { type ClientTls } from './client-tls.ts'
import { type UploadForm } from './upload-form.ts'

/** HTTPS with a client certificate. The server is always verified. */

export interface Reply {
  readonly status: number
  readonly reason: string
  readonly headers: IncomingHttpHeaders
  /** The beginning of the body, as UTF-8. */
  readonly text: string
}

/** What an error or an answer may have; the beginning of an index says enough. */
const MOST_REPLY_BYTES = 64 * 1024

/** How long a server may take to say "100 Continue" before the body is sent without it: curl's second. */
const CONTINUE_MS = 1000

/** Connections are kept for the next chart; the proxies that the environment names are used. */
export function createAgent({ ca, cert, key }: ClientTls, environment: Environment): Agent {
  return new Agent({ ca: [...ca], cert, key, keepAlive: true, maxCachedSessions: 0, proxyEnv: environment })
}

export interface ExchangeOptions {
  readonly agent: Agent
  readonly userAgent: string
  readonly signal: AbortSignal
}

/** Rejects with Node's error when the connection fails. */
export async function get(url: URL, { agent, userAgent, signal }: ExchangeOptions): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = { 'user-agent': userAgent, range: `bytes=0-${MOST_REPLY_BYTES - 1}` }
    const request = httpsRequest(url, { agent, signal, headers }, (response) => {
      readReply(response).then(resolve, reject)
    })
    request.on('error', reject)
    request.end()
  })
}

/**
 * Sends the form once the server has asked for it: who is refused has not sent megabytes, and reads why instead of a
 * reset connection. Rejects with Node's error when the connection fails before the reply.
 */
export async function postForm(
  url: URL,
  form: UploadForm,
  { agent, userAgent, signal, onBytes }: ExchangeOptions & { readonly onBytes: (count: number) => void },
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = {
      'user-agent': userAgent,
      accept: 'application/json',
      'content-type': form.contentType,
      'content-length': form.length,
      expect: '100-continue',
    }
    const request = httpsRequest(url, { agent, signal, method: 'POST', headers })
    let isSending = false
    const send = (): void => {
      if (isSending || request.destroyed) return
      isSending = true
      // The request's own error says what went wrong, and a reply that came before the end is no error.
      pipeline(form.open(onBytes), request).catch(() => undefined)
    }
    const impatience = setTimeout(send, CONTINUE_MS)
    request.once('continue', send)
    request.once('close', () => {
      clearTimeout(impatience)
    })
    request.once('response', (response) => {
      clearTimeout(impatience)
      readReply(response)
        .then(resolve, reject)
        .finally(() => {
          // Refused before its end: the connection is of no more use.
          if (!request.writableFinished) request.destroy()
        })
    })
    request.on('error', reject)
  })
}

async function readReply(response: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= MOST_REPLY_BYTES) break
  }
  return {
    status: response.statusCode ?? 0,
    reason: response.statusMessage ?? '',
    headers: response.headers,
    text: Buffer.concat(chunks).toString('utf8'),
  }
}
