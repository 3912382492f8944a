import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type Logger } from 'pino'
import { Registry } from 'prom-client'
import { type Readiness } from '../ops/readiness.ts'
import { listen } from './listen.ts'
import { jsonReply, textReply, type Reply } from './reply.ts'
import { send } from './send.ts'

export interface OpsDeps {
  readonly log: Logger
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>
  readonly readiness: () => Promise<Readiness>
  /** Whether the server takes no more requests, while it finishes those that it has. */
  readonly isDraining: () => boolean
}

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
      return textReply(200, await deps.metrics(), {
        headers: { 'content-type': Registry.PROMETHEUS_CONTENT_TYPE },
      })
    default:
      return jsonReply(404, { error: 'there are /livez, /readyz and /metrics' })
  }
}

async function readiness({ readiness: check, isDraining }: OpsDeps): Promise<Reply> {
  if (isDraining()) return jsonReply(503, { ready: false, draining: true }, { reason: 'draining' })
  const state = await check()
  return jsonReply(state.ready ? 200 : 503, state)
}

function fail(log: Logger, response: ServerResponse, error: unknown): void {
  log.error({ err: error }, 'ops request failed')
  if (response.headersSent) response.destroy()
  else response.writeHead(500).end()
}
