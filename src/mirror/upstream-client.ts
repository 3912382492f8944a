import { type Readable } from 'node:stream'
import { AppError } from '../errors.ts'
import { parseRetryAfter } from '../publishing/retry.ts'
import { quoted } from '../text.ts'
import { type Answer, createTransport, type Transport, type TransportDeps } from './transport.ts'
import { authorizationOf, ownOrigin, type Upstream } from './upstream.ts'
import { upstreamInvalid } from './upstream-error.ts'

export interface UpstreamRequest {
  /** A longer file is refused: before it is read where its length is declared, else as soon as it is too long. */
  readonly maxBytes: number
  /** From an earlier answer: what has not changed since is not sent again. */
  readonly etag?: string | undefined
  readonly lastModified?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export type UpstreamReply =
  | UpstreamFile
  /** Only of what was asked with `etag` or `lastModified`. */
  | { readonly kind: 'not-modified' }
  /** 404 or 410. */
  | { readonly kind: 'absent' }

export interface UpstreamFile {
  readonly kind: 'body'
  /** Destroying it ends the download. Its errors are those of `get`. */
  readonly stream: Readable
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  readonly contentType: string | undefined
  /** Behind the redirects: relative URLs of an index are relative to it. */
  readonly finalUrl: URL
}

/** Reads files of one upstream over HTTP. */
export interface UpstreamClient {
  /**
   * Throws `unavailable` for what may pass (with `retryAfterS` where the upstream says so, an hour at most), `upstream-invalid` for what
   * will not, `request-aborted` when the signal aborts.
   */
  readonly get: (url: URL, request: UpstreamRequest) => Promise<UpstreamReply>
  readonly transport: Transport
  readonly close: () => void
}

export interface UpstreamClientDeps extends TransportDeps {
  readonly now: () => Date
}

export function createUpstreamClient(upstream: Upstream, deps: UpstreamClientDeps): UpstreamClient {
  const transport = createTransport(upstream, deps)
  const own = ownOrigin(upstream)
  const authorization = authorizationOf(upstream.credentials)
  return {
    get: async (url, { maxBytes, signal, ...known }) => {
      const authorizationFor = (place: URL) => (place.origin === own ? authorization : undefined)
      const headers = conditions(known)
      const answer = await transport.send(url, { headers, authorizationFor, maxBytes, signal })
      return readAnswer(answer, { isConditional: Object.keys(headers).length > 0, now: deps.now() })
    },
    transport,
    close: transport.close,
  }
}

function conditions({ etag, lastModified }: Pick<UpstreamRequest, 'etag' | 'lastModified'>) {
  return {
    ...(etag !== undefined && { 'if-none-match': etag }),
    ...(lastModified !== undefined && { 'if-modified-since': lastModified }),
  }
}

function readAnswer(
  answer: Answer,
  { isConditional, now }: { readonly isConditional: boolean; readonly now: Date },
): UpstreamReply {
  const { status, headers, url, body } = answer
  if (status === 200) {
    return {
      kind: 'body',
      stream: body,
      etag: headers.etag,
      lastModified: headers['last-modified'],
      contentType: headers['content-type'],
      finalUrl: url,
    }
  }
  body.destroy()
  if (status === 304 && !isConditional)
    throw upstreamInvalid(`${url.host} answers 304 to what was not asked conditionally`)
  if (status === 304) return { kind: 'not-modified' }
  if (ABSENT.has(status)) return { kind: 'absent' }
  throw refusalOf(answer, now)
}

const ABSENT = new Set([404, 410])
/** What asks for more is asked again after that. */
const LONGEST_RETRY_AFTER_S = 3600
/** Besides everything above 500. */
const PASSING = new Set([408, 425, 429])

/** What an answer that is of no use means. */
export function refusalOf({ status, headers, url }: Omit<Answer, 'body'>, now: Date): AppError {
  const text = `${url.host} answered ${status} for ${quoted(url.pathname)}`
  if (status >= 500 || PASSING.has(status)) {
    const delayMs = parseRetryAfter(headers['retry-after'], now)
    return new AppError('unavailable', text, {
      ...(delayMs !== undefined && {
        retryAfterS: Math.min(Math.ceil(delayMs / 1000), LONGEST_RETRY_AFTER_S),
      }),
    })
  }
  return upstreamInvalid(status === 401 || status === 403 ? `${text}: it refuses our credentials` : text)
}
