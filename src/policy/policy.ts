import { createHash } from 'node:crypto'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { type ChartName } from '../chart/name.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { describeIdentity, type Identity } from './identity.ts'
import { compilePattern, compilePatterns, type Matcher, type Pattern } from './pattern.ts'

/**
 * Who may do what. Nothing is allowed that no grant allows, and no grant implies another.
 *
 * - `read` index, archives, provenance, lists
 * - `publish` new versions, and provenance for them
 * - `overwrite` a version with other content, where the repository allows it at all
 * - `delete` versions
 * - `create` a repository by publishing into it first
 * - `admin` see the audit trail and operate the server
 */
export const ACTIONS = ['read', 'publish', 'overwrite', 'delete', 'create', 'admin'] as const
export type Action = (typeof ACTIONS)[number]

export interface Grant {
  readonly who: Who
  readonly may: readonly Action[]
  readonly repositories: readonly Pattern[]
  /** Absent: every chart. */
  readonly charts?: readonly Pattern[]
}

/** What a certificate must have; every attribute given must match, each by any one of the certificate's values. */
export interface Who {
  readonly anchor: string
  readonly cn?: Pattern
  readonly o?: Pattern
  readonly ou?: Pattern
  readonly uri?: Pattern
  readonly email?: Pattern
  readonly dns?: Pattern
  /** SHA-256 over the certificate's DER, lower-case hex. */
  readonly fingerprint?: string
}

interface CompiledGrant {
  readonly appliesTo: (identity: Identity) => boolean
  readonly may: ReadonlySet<Action>
  readonly coversRepository: Matcher
  /** Absent: every chart. */
  readonly charts: readonly Pattern[] | undefined
  readonly coversChart: Matcher
}

export class Policy {
  readonly #grants: readonly CompiledGrant[]

  constructor(grants: readonly Grant[]) {
    this.#grants = grants.map(compileGrant)
  }

  /**
   * The first moment of authorisation, before a body is read: may this identity do this in this repository at all?
   * Throws `not-allowed`. What the answer is about, a use-case takes as proof; the second moment is its
   * `requireChart`.
   */
  authorise<A extends Action>(identity: Identity, action: A, repository: RepositoryName): Authorisation<A> {
    const own = this.#grants.filter(
      (grant) => grant.appliesTo(identity) && grant.coversRepository(repository),
    )
    const authorisation = new Authorisation(MINT, identity, action, repository, own)
    if (!authorisation.allows(action)) throw refusal(identity, action, describeRepository(repository))
    return authorisation
  }

  /** The actions that the identity holds in the repository, for at least one chart. */
  actionsOf(identity: Identity, repository: RepositoryName): readonly Action[] {
    const own = this.#grants.filter(
      (grant) => grant.appliesTo(identity) && grant.coversRepository(repository),
    )
    return ACTIONS.filter((action) => own.some((grant) => grant.may.has(action)))
  }
}

/** Known to this module only, so that nothing else can construct an authorisation. */
const MINT = Symbol('policy')

/** Proof that `policy` allows the identity the action in the repository. Use-cases demand one; only `Policy` makes it. */
export class Authorisation<A extends Action = Action> {
  readonly identity: Identity
  readonly action: A
  readonly repository: RepositoryName
  readonly #grants: readonly CompiledGrant[]

  constructor(
    mint: typeof MINT,
    identity: Identity,
    action: A,
    repository: RepositoryName,
    grants: readonly CompiledGrant[],
  ) {
    if (mint !== MINT) throw new TypeError('only a policy makes authorisations')
    this.identity = identity
    this.action = action
    this.repository = repository
    this.#grants = grants
  }

  /** Whether the identity may do this in the same repository: to the chart, or to any chart when none is given. */
  allows(action: Action, chart?: ChartName): boolean {
    return this.#grants.some(
      (grant) => grant.may.has(action) && (chart === undefined || grant.coversChart(chart)),
    )
  }

  /** The second moment: the chart is known. Throws `not-allowed`. */
  requireChart(chart: ChartName, action: Action = this.action): void {
    if (this.allows(action, chart)) return
    throw refusal(this.identity, action, `${quoted(chart)} in ${describeRepository(this.repository)}`)
  }

  /** Which charts the action covers; `undefined` when it covers all. */
  get chartScope(): ChartScope | undefined {
    const granting = this.#grants.filter((grant) => grant.may.has(this.action))
    if (granting.some((grant) => grant.charts === undefined)) return undefined
    const patterns = granting.flatMap((grant) => grant.charts ?? [])
    return { covers: compilePatterns(patterns), key: scopeKey(patterns) }
  }
}

export interface ChartScope {
  readonly covers: Matcher
  /** The same for the same patterns, whoever holds them: 16 hexadecimal digits. */
  readonly key: string
}

function scopeKey(patterns: readonly Pattern[]): string {
  const parts = patterns.map((pattern) => JSON.stringify(pattern)).sort()
  return createHash('sha256').update(parts.join('\n')).digest('hex').slice(0, 16)
}

const PHRASES: Readonly<Record<Action, string>> = {
  read: 'may not read',
  publish: 'may not publish to',
  overwrite: 'may not overwrite in',
  delete: 'may not delete from',
  create: 'may not create',
  admin: 'is no administrator of',
}

function refusal(identity: Identity, action: Action, what: string): AppError {
  return new AppError('not-allowed', `${describeIdentity(identity)} ${PHRASES[action]} ${what}`)
}

function compileGrant(grant: Grant): CompiledGrant {
  return {
    appliesTo: compileWho(grant.who),
    may: new Set(grant.may),
    coversRepository: compilePatterns(grant.repositories),
    charts: grant.charts,
    coversChart: grant.charts === undefined ? () => true : compilePatterns(grant.charts),
  }
}

function compileWho(who: Who): (identity: Identity) => boolean {
  const conditions: ((identity: Identity) => boolean)[] = [
    (identity) => identity.anchor === who.anchor,
    anyOf(who.cn, (identity) => identity.commonNames),
    anyOf(who.o, (identity) => identity.organizations),
    anyOf(who.ou, (identity) => identity.organizationalUnits),
    anyOf(who.uri, (identity) => identity.uris),
    anyOf(who.email, (identity) => identity.emails),
    anyOf(who.dns, (identity) => identity.dnsNames),
    (identity) => who.fingerprint === undefined || identity.fingerprint === who.fingerprint,
  ]
  return (identity) => conditions.every((holds) => holds(identity))
}

function anyOf(
  pattern: Pattern | undefined,
  values: (identity: Identity) => readonly string[],
): (identity: Identity) => boolean {
  if (pattern === undefined) return () => true
  const matches = compilePattern(pattern)
  return (identity) => values(identity).some(matches)
}
