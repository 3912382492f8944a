import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Logger } from 'pino'
import { type Metrics } from '../ops/metrics.ts'
import { type InputStatus } from '../ops/reloadable.ts'
import { listen } from './listen.ts'
import { jsonReply, textReply, type Reply } from './reply.ts'
import { send } from './send.ts'

export interface OpsDeps {
  readonly metrics: Metrics
  readonly log: Logger
  /** What must work for the server to be of use, by name. Each rejects when it does not. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>
  /** Whether the server takes no more requests, while it finishes those that it has. */
  readonly isDraining: () => boolean
  /** What was read from files, and since when it is in force. A failed reload is told here; it does not end readiness. */
  readonly inputs: () => readonly InputStatus[]
}

/** A check that hangs is a check that fails. */
const CHECK_TIMEOUT_MS = 3000

/** Probes and metrics over plain HTTP: a kubelet cannot present a client certificate. Nothing here changes anything. */
export class OpsServer {
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async listen(
    deps: OpsDeps,
    { host, port }: { readonly host: string; readonly port: number },
  ): Promise<OpsServer> {
    const server = createServer((request, response) => {
      answer(deps, request)
        .then((reply) => send(request, response, reply))
        .catch((error: unknown) => {
          fail(deps.log, response, error)
        })
    })
    await listen(server, { host, port })
    return new OpsServer(server)
  }

  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}

async function answer(deps: OpsDeps, request: IncomingMessage): Promise<Reply> {
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return jsonReply(405, { error: 'only GET and HEAD' })
  switch (request.url?.split('?')[0] ?? '') {
    case '/livez':
      return textReply(200, 'ok\n', { headers: { 'content-type': 'text/plain' } })
    case '/readyz':
      return readiness(deps)
    case '/metrics':
      return textReply(200, await deps.metrics.registry.metrics(), {
        headers: { 'content-type': deps.metrics.registry.contentType },
      })
    default:
      return jsonReply(404, { error: 'there are /livez, /readyz and /metrics' })
  }
}

async function readiness({ checks, inputs, isDraining, log }: OpsDeps): Promise<Reply> {
  if (isDraining()) return jsonReply(503, { ready: false, draining: true }, { reason: 'draining' })
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        await within(check())
        return [name, 'ok'] as const
      } catch (error) {
        log.error({ check: name, err: error }, 'not ready')
        return [name, error instanceof Error ? error.message : 'failed'] as const
      }
    }),
  )
  const ready = results.every(([, result]) => result === 'ok')
  return jsonReply(ready ? 200 : 503, { ready, checks: Object.fromEntries(results), inputs: inputs() })
}

async function within(check: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`))
    }, CHECK_TIMEOUT_MS)
  })
  await Promise.race([check, timeout]).finally(() => {
    clearTimeout(timer)
  })
}

function fail(log: Logger, response: ServerResponse, error: unknown): void {
  log.error({ err: error }, 'ops request failed')
  if (response.headersSent) response.destroy()
  else response.writeHead(500).end()
}
