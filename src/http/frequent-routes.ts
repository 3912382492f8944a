import { type IncomingMessage } from 'node:http'
import { LRUCache } from 'lru-cache'
import { match } from 'path-to-regexp'
import { type RouteParams } from './exchange.ts'
import { type ExpressDeps } from './express-app.ts'
import { type VerifiedListener } from './listener.ts'
import { type Route } from './route.ts'
import { serve } from './serve.ts'

/** What was found for paths asked for before: matching costs more than the rest of serving a small file. */
const MOST_PATHS = 10_000
const LONGEST_PATH = 512

/** As Express reads a path with the settings of `express-app.ts`. */
const AS_EXPRESS = { sensitive: true, trailing: true } as const

interface Found {
  readonly route: Route
  readonly params: RouteParams
}

/**
 * Serves the routes marked as frequent without the framework, which costs more than what these have to do. It only finds
 * the route; what a route does, and whether it may, is `serve`'s business as everywhere. The rest goes on to `next`.
 */
export function createFrequentListener(
  deps: ExpressDeps,
  routes: readonly Route[],
  next: VerifiedListener,
): VerifiedListener {
  const find = createFinder(deps.contextPath, routes)
  return (request, response, context) => {
    const found = find(request)
    if (found === undefined) {
      next(request, response, context)
      return
    }
    serve(deps, found.route, { request, response, context }, found.params).catch((error: unknown) => {
      deps.log.error({ requestId: context.actor.requestId, err: error }, 'a reply could not be sent')
      response.destroy()
    })
  }
}

/** The routes are those that answer GET; a path that cannot be decoded is left to the framework to refuse. */
function createFinder(
  contextPath: string,
  routes: readonly Route[],
): (request: IncomingMessage) => Found | undefined {
  const matchers = routes
    .filter(({ isFrequent }) => isFrequent)
    .map((route) => ({ route, matches: match(`${contextPath}${route.path}`, AS_EXPRESS) }))
  const known = new LRUCache<string, Found>({ max: MOST_PATHS })

  function findAnew(path: string): Found | undefined {
    for (const { route, matches } of matchers) {
      const matched = matches(path)
      if (matched === false) continue
      const found = { route, params: matched.params }
      known.set(path, found)
      return found
    }
    return undefined
  }

  return ({ method, url = '' }) => {
    if (method !== 'GET' && method !== 'HEAD') return undefined
    const end = url.indexOf('?')
    const path = end < 0 ? url : url.slice(0, end)
    if (!path.startsWith('/') || path.length > LONGEST_PATH || path.includes('%')) return undefined
    return known.get(path) ?? findAnew(path)
  }
}
