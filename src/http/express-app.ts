import express, { type Express, type Request } from 'express'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { type VerifiedListener } from './listener.ts'
import { type RequestContext } from './request-context.ts'
import { type Route } from './route.ts'
import { sendError, serve, type Arrival, type ServeDeps } from './serve.ts'

export interface ExpressDeps extends ServeDeps {
  /** Where every route's path begins: `''`, or `/charts`. */
  readonly contextPath: string
}

/** Routing. What a route does, and whether it may, is `serve`'s business. */
export function createExpressListener(deps: ExpressDeps, routes: readonly Route[]): VerifiedListener {
  const contexts = new WeakMap<object, RequestContext>()
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('case sensitive routing')
  app.set('query parser', false)
  for (const route of routes) {
    app[route.method](`${deps.contextPath}${route.path}`, async (request, response) => {
      await serve(deps, route, arrival(request, response), request.params)
    })
  }
  reportTheRest(app, deps, arrival)

  function arrival(request: Request, response: express.Response): Arrival {
    const context = contexts.get(request)
    if (context === undefined) throw new TypeError('a request came in without its context')
    return { request, response, context }
  }

  return (request, response, context) => {
    contexts.set(request, context)
    app(request, response)
  }
}

type ArrivalOf = (request: Request, response: express.Response) => Arrival

function reportTheRest(app: Express, { log }: ServeDeps, arrivalOf: ArrivalOf): void {
  app.use(async (request, response) => {
    await sendError(log, arrivalOf(request, response), noRoute(request))
  })
  // Express decodes a path's parameters before any handler runs; what it cannot decode ends here.
  app.use(
    async (error: unknown, request: Request, response: express.Response, _next: express.NextFunction) => {
      const isMalformed = error instanceof URIError
      const reported = isMalformed
        ? new AppError('request-invalid', 'the path is not well percent-encoded')
        : error
      await sendError(log, arrivalOf(request, response), reported)
    },
  )
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'DELETE'])

function noRoute({ method, path }: Request): AppError {
  if (!METHODS.has(method)) return new AppError('method-unknown', `${quoted(method)} is not used here`)
  return new AppError('route-unknown', `there is nothing at ${method} ${quoted(path)}`)
}
