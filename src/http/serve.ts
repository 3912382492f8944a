import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Logger } from 'pino'
import { type AuditAction, type Actor, type Catalog } from '../catalog/catalog.ts'
import { AppError } from '../errors.ts'
import { auditNameOf } from '../policy/identity.ts'
import { type Policy } from '../policy/policy.ts'
import { type Action } from '../policy/rule.ts'
import { errorReply, isPublic } from './error-reply.ts'
import { STATUS } from './error-status.ts'
import { repositoryOf, type RouteParams } from './exchange.ts'
import { type RequestContext } from './request-context.ts'
import { type Route } from './route.ts'
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
  const actor = actorOf(context)
  const query = new URL(request.url ?? '', 'https://chartroom').searchParams
  try {
    const exchange = { request, response, params, query, identity: context.identity, actor }
    await send(request, response, await route.answer(deps.policyInForce(), exchange))
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
  const { requestId } = context
  // A peer that left gets no reply, and its leaving is no fault of the server.
  if (request.destroyed && !response.writable) return
  if (!isPublic(error)) log.error({ requestId, err: error }, 'request failed')
  if (response.headersSent) {
    response.destroy()
    return
  }
  for (const name of BODY_HEADERS) response.removeHeader(name)
  await send(request, response, errorReply(error, requestId))
}

/** What a handler may have said of the reply that was about to be sent when the error came. */
const BODY_HEADERS = [
  'accept-ranges',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'etag',
]

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

function actorOf({ requestId, from, identity, at }: RequestContext): Actor {
  return { who: auditNameOf(identity), from, requestId, at }
}
