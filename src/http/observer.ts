import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Logger } from 'pino'
import { type Metrics } from '../ops/metrics.ts'
import { type RequestContext } from './request-context.ts'

/** Request ids that callers may choose, so that they find their request in our log. */
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/

/** The caller's `X-Request-Id` where it is harmless, else a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const wanted = request.headers['x-request-id']
  return typeof wanted === 'string' && REQUEST_ID.test(wanted) ? wanted : randomUUID()
}

/** Logs and counts the request once it is over, however it ends. */
export function observe(
  { log, metrics }: { readonly log: Logger; readonly metrics: Metrics },
  request: IncomingMessage,
  response: ServerResponse,
  context: RequestContext,
): void {
  metrics.requestsInFlight.inc()
  const { requestId, who, from } = context.actor
  const startedAt = process.hrtime.bigint()
  response.once('close', () => {
    const seconds = Number(process.hrtime.bigint() - startedAt) / 1e9
    const route = context.route ?? 'none'
    const status = response.writableFinished ? String(response.statusCode) : 'aborted'
    metrics.requestDone({ method: request.method ?? '', route, status }, seconds)
    log.info(
      {
        requestId,
        who,
        from,
        method: request.method,
        path: request.url,
        route,
        status,
        ms: Math.round(seconds * 1000),
      },
      'request',
    )
  })
}
