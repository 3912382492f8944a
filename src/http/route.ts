import { type Policy } from '../policy/policy.ts'
import { type Action } from '../policy/rule.ts'
import { repositoryOf, type Handler, type VerifiedExchange, type VerifiedHandler } from './exchange.ts'
import { type Reply } from './reply.ts'

export type Method = 'get' | 'post' | 'delete'

/** One operation: a path, what it needs, and what answers. Free of the framework, so that any listener can serve it. */
export interface Route {
  readonly method: Method
  /** In Express 5's syntax (path-to-regexp). HEAD is answered wherever GET is. */
  readonly path: string
  /** The action that the caller must be permitted in the path's repository, or `verified` for any verified peer. */
  readonly needs: Action | 'verified'
  /** Asked for by every client all day, so that it is served without the framework (`frequent-routes.ts`). */
  readonly isFrequent?: true
  /** Authorises and answers. Throws `not-allowed` before the handler has seen anything. */
  readonly answer: (policy: Policy, exchange: VerifiedExchange) => Promise<Reply>
}

/** A route that needs an action; its handler gets the proof that the policy allows it. */
export function route<A extends Action>(method: Method, path: string, needs: A, handler: Handler<A>): Route {
  return {
    method,
    path,
    needs,
    answer: async (policy, exchange) => {
      const authorisation = policy.authorise(exchange.identity, needs, repositoryOf(exchange.params))
      return handler({ ...exchange, authorisation })
    },
  }
}

/** The route, found before all others. */
export function frequent(route: Route): Route {
  return { ...route, isFrequent: true }
}

/** A route that every verified peer may use, whatever its grants. */
export function verifiedRoute(method: Method, path: string, handler: VerifiedHandler): Route {
  return { method, path, needs: 'verified', answer: (_policy, exchange) => handler(exchange) }
}
