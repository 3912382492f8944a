import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { isSystemError } from '../errors.ts'
import { type Agents } from './agents.ts'
import { upstreamUnavailable } from './upstream-error.ts'

export interface RequestOptions {
  readonly method: 'GET' | 'HEAD'
  readonly headers: Readonly<Record<string, string>>
  readonly signal: AbortSignal
  readonly connectTimeoutMs: number
}

/** Sends one request, to its answer's headers. Rejects with Node's error, or `unavailable` where no connection stands in time. */
export async function openRequest(
  url: URL,
  agents: Agents,
  options: RequestOptions,
): Promise<IncomingMessage> {
  try {
    return await openOnce(url, agents, options)
  } catch (error) {
    // The server closed a kept connection while the request was on its way: Node leaves the second attempt to us.
    if (error instanceof StaleConnection) return openOnce(url, agents, options)
    throw error
  }
}

class StaleConnection extends Error {}

async function openOnce(
  url: URL,
  agents: Agents,
  { method, headers, signal, connectTimeoutMs }: RequestOptions,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const agent = agents.forUrl(url)
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { agent, method, headers, signal })
        : httpRequest(url, { agent, method, headers, signal })
    limitConnecting(request, connectTimeoutMs, url.host)
    request.on('response', resolve)
    request.on('error', (error) => {
      const isStale = request.reusedSocket && isSystemError(error, 'ECONNRESET') && !signal.aborted
      reject(isStale ? new StaleConnection('', { cause: error }) : error)
    })
    request.end()
  })
}

/** From the name's look-up to the end of the TLS handshake, a proxy's part included. */
function limitConnecting(request: ClientRequest, timeoutMs: number, host: string): void {
  const timer = setTimeout(() => {
    request.destroy(upstreamUnavailable(`${host}: no connection within ${timeoutMs / 1000} s`))
  }, timeoutMs)
  const stop = (): void => {
    clearTimeout(timer)
  }
  request.once('socket', (socket: Socket) => {
    const isConnected = request.reusedSocket || (!socket.connecting && !isShakingHands(socket))
    if (isConnected) stop()
    else socket.once(socket instanceof TLSSocket ? 'secureConnect' : 'connect', stop)
  })
  request.once('response', stop)
  request.once('close', stop)
}

function isShakingHands(socket: Socket): boolean {
  return socket instanceof TLSSocket && socket.getProtocol() === null
}
