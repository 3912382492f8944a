import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Actor } from '../catalog/catalog.ts'
import { repositoryFromSegments, ROOT_REPOSITORY, type RepositoryName } from '../chart/repository-name.ts'
import { type Authorisation } from '../policy/policy.ts'
import { type Action } from '../policy/rule.ts'
import { type Identity } from '../policy/identity.ts'
import { type Reply } from './reply.ts'

/** A request of a verified peer, as a handler sees it. */
export interface VerifiedExchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly params: RouteParams
  readonly query: URLSearchParams
  readonly identity: Identity
  readonly actor: Actor
}

/** A request that the policy has allowed: the action in the repository that its path names. */
export interface Exchange<A extends Action> extends VerifiedExchange {
  readonly authorisation: Authorisation<A>
}

export type Handler<A extends Action> = (exchange: Exchange<A>) => Promise<Reply>
export type VerifiedHandler = (exchange: VerifiedExchange) => Promise<Reply>

/** As Express gives them, percent-decoded: a wildcard's segments, or one segment's text. */
export type RouteParams = Readonly<Record<string, string | readonly string[] | undefined>>

/** The repository that the path names; the root one when it names none. Throws `request-invalid`. */
export function repositoryOf(params: RouteParams): RepositoryName {
  const segments = params['repository']
  return segments === undefined ? ROOT_REPOSITORY : repositoryFromSegments([segments].flat())
}

/** A segment that the route's path has. */
export function param(params: RouteParams, name: string): string {
  const value = params[name]
  if (typeof value !== 'string') throw new TypeError(`the route has no parameter ${name}`)
  return value
}
