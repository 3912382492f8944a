import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Logger } from 'pino'
import { type Actor, type AuditAction, type Catalog } from '../catalog/catalog.ts'
import { AppError } from '../errors.ts'
import { type Policy } from '../policy/policy.ts'
import { type Action } from '../policy/rule.ts'
import { errorReply, isPublic } from './error-reply.ts'
import { STATUS } from './error-status.ts'
import { repositoryOf, type RouteParams } from './exchange.ts'
import { type RequestContext } from './request-context.ts'
import { type Route } from './route.ts'
import { SECURITY_HEADERS } from './security-headers.ts'
import { send } from './send.ts'

export interface ServeDeps {
  readonly catalog: Catalog
  readonly policyInForce: () => Policy
  readonly log: Logger
}

/** A request and the reply to it, with what is known about it. */
export interface Arrival {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly context: RequestContext
}

/** Serves one request by its route: authorise, answer, send; an error becomes the reply that explains it. */
export async function serve(
  deps: ServeDeps,
  route: Route,
  arrival: Arrival,
  params: RouteParams,
): Promise<void> {
  const { request, response, context } = arrival
  context.route = route.path
  const { identity, actor } = context
  try {
    const exchange = { request, response, params, query: queryOf(request), identity, actor }
    const reply = await route.answer(deps.policyInForce(), exchange)
    await send(request, response, reply, commonHeaders(context))
  } catch (error) {
    if (error instanceof AppError && STATUS[error.code] === 403)
      await auditRefusal(deps, route, params, actor, error)
    await sendError(deps.log, arrival, error)
  }
}

/** Also for errors outside of any route. */
export async function sendError(
  log: Logger,
  { request, response, context }: Arrival,
  error: unknown,
): Promise<void> {
  const { requestId } = context.actor
  // A peer that left gets no reply, and its leaving is no fault of the server.
  if (request.destroyed && !response.writable) return
  if (!isPublic(error)) log.error({ requestId, err: error }, 'request failed')
  if (response.headersSent) {
    response.destroy()
    return
  }
  await send(request, response, errorReply(error, requestId), commonHeaders(context))
}

function commonHeaders({ actor }: RequestContext): readonly string[] {
  return [...SECURITY_HEADERS, 'x-request-id', actor.requestId]
}

const NO_QUERY = new URLSearchParams()

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  const start = url.indexOf('?')
  return start < 0 ? NO_QUERY : new URLSearchParams(url.slice(start))
}

const AUDITED_AS: Readonly<Record<Action, AuditAction>> = {
  read: 'read',
  publish: 'publish',
  overwrite: 'overwrite',
  delete: 'delete',
  create: 'create-repository',
  admin: 'admin',
}

/** A row that cannot be written, on a full disk, is told to the log and does not change the answer. */
async function auditRefusal(
  { catalog, log }: ServeDeps,
  { needs }: Route,
  params: RouteParams,
  actor: Actor,
  { message }: AppError,
): Promise<void> {
  if (needs === 'verified') return
  const row = {
    ...actor,
    action: AUDITED_AS[needs],
    outcome: 'refused',
    repository: repositoryOf(params),
    detail: message,
  } as const
  await catalog.appendAudit(row).catch((error: unknown) => {
    log.error({ err: error, audit: row }, 'a refusal could not be audited')
  })
}
