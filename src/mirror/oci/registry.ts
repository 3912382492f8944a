import { buffer } from 'node:stream/consumers'
import { AppError } from '../../errors.ts'
import { type Answer, type Transport } from '../transport.ts'
import { type UpstreamClientDeps, refusalOf } from '../upstream-client.ts'
import { authorizationOf, ownOrigin, type Upstream } from '../upstream.ts'
import { upstreamInvalid } from '../upstream-error.ts'
import { type Challenge, parseChallenge } from './challenge.ts'
import { type OciRepository } from './reference.ts'

export interface RegistryRequest {
  readonly method?: 'GET' | 'HEAD'
  readonly accept?: string
  readonly maxBytes: number
  readonly signal?: AbortSignal | undefined
}

/** Reads from registries, with the tokens that they ask for. Errors are those of `UpstreamClient.get`. */
export interface Registry {
  /** `path` is behind `/v2/<repository>/`. `undefined` where there is no such thing. */
  readonly read: (
    repository: OciRepository,
    path: string,
    request: RegistryRequest,
  ) => Promise<Answer | undefined>
}

export interface RegistryDeps extends Pick<UpstreamClientDeps, 'now'> {
  readonly transport: Transport
}

const MOST_TOKEN_BYTES = 64 * 1024
/** What a token is good for where its server does not say (distribution specification, "Token Response Fields"). */
const TOKEN_LIFE_S = 60
/** So that none ends on its way. */
const TOKEN_MARGIN_S = 5

interface HeldAuthorization {
  readonly header: string
  readonly endsAtMs: number
}

export function createRegistry(upstream: Upstream, deps: RegistryDeps): Registry {
  const held = new Map<string, HeldAuthorization>()
  return {
    read: async (repository, path, request) => {
      const key = `${repository.origin}/${repository.path}`
      const known = held.get(key)
      const isFresh = known !== undefined && known.endsAtMs > deps.now().getTime()
      const first = await ask(deps.transport, repository, path, request, isFresh ? known.header : undefined)
      if (first.status !== 401) return requireUseful(first, deps.now())
      first.body.destroy()
      const authorization = await answerChallenge(first, upstream, deps, request, repository)
      if (authorization === undefined) throw refusalOf(first, deps.now())
      held.set(key, authorization)
      return requireUseful(
        await ask(deps.transport, repository, path, request, authorization.header),
        deps.now(),
      )
    },
  }
}

async function ask(
  transport: Transport,
  { origin, path: repository }: OciRepository,
  path: string,
  { accept, ...request }: RegistryRequest,
  authorization: string | undefined,
): Promise<Answer> {
  return transport.send(new URL(`${origin}/v2/${repository}/${path}`), {
    ...request,
    ...(accept !== undefined && { headers: { accept } }),
    // A blob store that it redirects to is shown nothing.
    authorizationFor: (place) => (place.origin === origin ? authorization : undefined),
  })
}

function requireUseful(answer: Answer, now: Date): Answer | undefined {
  if (answer.status === 200) return answer
  answer.body.destroy()
  if (answer.status === 404) return undefined
  throw refusalOf(answer, now)
}

/** `undefined` where nothing is asked for that is at hand. */
async function answerChallenge(
  { headers, url }: Answer,
  upstream: Upstream,
  deps: RegistryDeps,
  request: RegistryRequest,
  repository: OciRepository,
): Promise<HeldAuthorization | undefined> {
  // A blob store that a registry redirects to gets no credentials, whatever it asks for.
  if (url.origin !== repository.origin) return undefined
  const challenge = parseChallenge(headers['www-authenticate'])
  const isOwn = repository.origin === ownOrigin(upstream)
  const own = isOwn ? authorizationOf(upstream.credentials) : undefined
  if (challenge === undefined) return undefined
  if (challenge.kind === 'basic' || upstream.credentials?.kind === 'bearer')
    return own === undefined ? undefined : { header: own, endsAtMs: Infinity }
  return fetchToken(challenge, { deps, own, repository, signal: request.signal })
}

interface TokenFetch {
  readonly deps: RegistryDeps
  readonly own: string | undefined
  readonly repository: OciRepository
  readonly signal: AbortSignal | undefined
}

/** The realm may be another host, which must be listed; it sees the password, as that is what the token is for. */
async function fetchToken(
  { realm, service }: Challenge & { readonly kind: 'bearer' },
  { deps: { transport, now }, own, repository, signal }: TokenFetch,
): Promise<HeldAuthorization> {
  const url = new URL(realm)
  if (service !== undefined) url.searchParams.set('service', service)
  // What is needed, and not what the registry would like to have.
  url.searchParams.set('scope', `repository:${repository.path}:pull`)
  const answer = await transport.send(url, {
    maxBytes: MOST_TOKEN_BYTES,
    signal,
    authorizationFor: (place) => (place.origin === url.origin ? own : undefined),
  })
  if (answer.status !== 200) {
    answer.body.destroy()
    throw refusalOf(answer, now())
  }
  const token = parseToken((await buffer(answer.body)).toString(), url.host)
  const lifeS = Math.max(0, token.expiresInS - TOKEN_MARGIN_S)
  return { header: `Bearer ${token.text}`, endsAtMs: now().getTime() + lifeS * 1000 }
}

function parseToken(text: string, host: string): { readonly text: string; readonly expiresInS: number } {
  try {
    const fields = JSON.parse(text) as Readonly<Record<string, unknown>>
    const token = fields['token'] ?? fields['access_token']
    const expiresInS = fields['expires_in']
    if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token))
      return { text: token, expiresInS: typeof expiresInS === 'number' ? expiresInS : TOKEN_LIFE_S }
  } catch (error) {
    throw error instanceof AppError ? error : upstreamInvalid(`${host} sends no token`, error)
  }
  throw upstreamInvalid(`${host} sends no token`)
}
