import { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { type Readable } from 'node:stream'
import { AppError } from '../errors.ts'
import { describeConnectionError } from '../publishing/connection-error.ts'
import { quoted } from '../text.ts'
import { createAgents, type Agents } from './agents.ts'
import { type Bandwidth } from './bandwidth.ts'
import { hostRule } from './host-rule.ts'
import { limitedBody, requireLength } from './limited-body.ts'
import { openRequest } from './open-request.ts'
import { type Upstream } from './upstream.ts'
import { upstreamInvalid, upstreamUnavailable } from './upstream-error.ts'

export interface TransportDeps {
  readonly userAgent: string
  /** Shared by all upstreams of a mirror. */
  readonly bandwidth?: Bandwidth | undefined
}

export interface Sending {
  readonly method?: 'GET' | 'HEAD'
  readonly headers?: Readonly<Record<string, string>>
  /** What stands in `Authorization`, place by place: redirects lead elsewhere. */
  readonly authorizationFor: (url: URL) => string | undefined
  /** Of the body, whatever the status. */
  readonly maxBytes: number
  readonly signal?: AbortSignal | undefined
}

/** Any answer but a redirect. Whoever does not read the body destroys it. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** The place that answered, behind the redirects. */
  readonly url: URL
  readonly body: Readable
}

/** Asks one upstream and the hosts that it lists, and nobody else. */
export interface Transport {
  /** Throws `upstream-invalid`, `unavailable` or `request-aborted`, as does the body. */
  readonly send: (url: URL, sending: Sending) => Promise<Answer>
  readonly close: () => void
}

const MOST_REDIRECTS = 5
const REDIRECTS = new Set([301, 302, 303, 307, 308])

export function createTransport(upstream: Upstream, deps: TransportDeps): Transport {
  const agents = createAgents(upstream)
  const requireAllowed = hostRule(upstream)
  return {
    send: async (url, sending) => {
      const deadline = AbortSignal.timeout(upstream.timeoutMs)
      const signal = sending.signal === undefined ? deadline : AbortSignal.any([deadline, sending.signal])
      const hop = { upstream, agents, deps, sending, signal }
      let next = url
      for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects += 1) {
        requireAllowed(next)
        const response = await sendOnce(next, hop)
        const target = redirectOf(response, next)
        if (target === undefined) return answerOf(response, next, hop)
        response.destroy()
        next = target
      }
      throw upstreamInvalid(`${url.host} redirects more than ${MOST_REDIRECTS} times`)
    },
    close: agents.close,
  }
}

interface Hop {
  readonly upstream: Upstream
  readonly agents: Agents
  readonly deps: TransportDeps
  readonly sending: Sending
  /** The deadline's, and the caller's. */
  readonly signal: AbortSignal
}

async function sendOnce(url: URL, hop: Hop): Promise<IncomingMessage> {
  const { upstream, agents, deps, sending, signal } = hop
  const authorization = sending.authorizationFor(url)
  const headers = {
    'user-agent': deps.userAgent,
    // What is stored and checked is the file as it is.
    'accept-encoding': 'identity',
    ...sending.headers,
    ...(authorization !== undefined && { authorization }),
  }
  const { method = 'GET' } = sending
  const { connectTimeoutMs } = upstream
  return openRequest(url, agents, { method, headers, signal, connectTimeoutMs }).catch((error: unknown) => {
    throw describe(error, url, hop)
  })
}

/** Where it leads to; `undefined` for what is no redirect. Only to HTTPS from HTTPS. */
function redirectOf({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | undefined {
  const { location } = headers
  if (!REDIRECTS.has(statusCode) || location === undefined || !URL.canParse(location, from.href))
    return undefined
  const target = new URL(location, from)
  if (from.protocol === 'https:' && target.protocol !== 'https:')
    throw upstreamInvalid(`${from.host} redirects to ${quoted(target.protocol)}, away from HTTPS`)
  return target
}

function answerOf(response: IncomingMessage, url: URL, hop: Hop): Answer {
  const { sending, deps, signal } = hop
  const { statusCode = 0, headers } = response
  const { maxBytes, method } = sending
  try {
    if (method !== 'HEAD') requireLength(response, url.host, maxBytes)
  } catch (error) {
    response.destroy()
    throw error
  }
  const body = limitedBody(response, {
    host: url.host,
    maxBytes,
    bandwidth: deps.bandwidth,
    signal,
    describe: (error) => describe(error, url, hop),
  })
  return { status: statusCode, headers, url, body }
}

function describe(error: unknown, { host }: URL, { upstream, sending, signal }: Hop): Error {
  if (error instanceof AppError) return error
  if (sending.signal?.aborted === true)
    return new AppError('request-aborted', 'interrupted', { cause: error })
  const { timeoutMs } = upstream
  if (signal.aborted) {
    return upstreamUnavailable(`${host}: no end of the file within ${timeoutMs / 1000} s`, error)
  }
  const { message, isTransient } = describeConnectionError(error, host, 'as ca')
  return isTransient || isNameUnknown(error)
    ? upstreamUnavailable(message, error)
    : upstreamInvalid(message, error)
}

/** Also what a machine without a network says of every name. */
function isNameUnknown(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOTFOUND'
}
