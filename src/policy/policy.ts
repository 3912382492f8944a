import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'
import { type ChartName } from '../chart/name.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { compileRule, type CompiledRule } from './compiled-rule.ts'
import { decide, type Decision } from './decision.ts'
import { describeIdentity, type Identity } from './identity.ts'
import { compilePatterns, type Matcher, type Pattern } from './pattern.ts'
import { ACTIONS, type Action, type Rule } from './rule.ts'

const MOST_REMEMBERED = 10_000

/** The rules in force, as requests ask them. */
export class Policy {
  readonly #rules: readonly CompiledRule[]
  /** What was allowed before: the rules of a policy never change, and a certificate says the same each time. */
  readonly #allowed = new LRUCache<string, Authorisation>({ max: MOST_REMEMBERED })

  constructor(rules: readonly Rule[]) {
    this.#rules = rules.map(compileRule)
  }

  /**
   * The first moment of authorisation, before a body is read: may this identity do this in this repository at all?
   * Throws `not-allowed`. What the answer is about, a use-case takes as proof; the second moment is its
   * `requireChart`.
   */
  authorise<A extends Action>(identity: Identity, action: A, repository: RepositoryName): Authorisation<A> {
    const answer = this.#ask(identity, action, repository)
    if (answer instanceof Authorisation) return answer
    throw refusal(identity, action, describeRepository(repository), answer)
  }

  /** The actions that the identity holds in the repository, for at least one chart. */
  actionsOf(identity: Identity, repository: RepositoryName): readonly Action[] {
    const own = this.#rulesFor(identity, repository)
    return ACTIONS.filter((action) => allows(decide(own, action)))
  }

  #ask<A extends Action>(
    identity: Identity,
    action: A,
    repository: RepositoryName,
  ): Authorisation<A> | Decision {
    const key = `${action} ${identity.fingerprint} ${repository} ${identity.anchor}`
    const known = this.#allowed.get(key)
    if (known !== undefined) return known as Authorisation<A>
    const own = this.#rulesFor(identity, repository)
    const decision = decide(own, action)
    if (!allows(decision)) return decision
    const elsewhere: AskElsewhere = (other) => {
      const answer = this.#ask(identity, 'read', other)
      return answer instanceof Authorisation ? answer : undefined
    }
    const authorisation = new Authorisation(MINT, { identity, action, repository, rules: own, elsewhere })
    this.#allowed.set(key, authorisation)
    return authorisation
  }

  #rulesFor(identity: Identity, repository: RepositoryName): readonly CompiledRule[] {
    return this.#rules.filter((rule) => rule.appliesTo(identity) && rule.coversRepository(repository))
  }
}

/** Known to this module only, so that nothing else can construct an authorisation. */
const MINT = Symbol('policy')

type AskElsewhere = (repository: RepositoryName) => Authorisation<'read'> | undefined

interface Allowed<A extends Action> {
  readonly identity: Identity
  readonly action: A
  readonly repository: RepositoryName
  readonly rules: readonly CompiledRule[]
  readonly elsewhere: AskElsewhere
}

/** Proof that `policy` allows the identity the action in the repository. Use-cases demand one; only `Policy` makes it. */
export class Authorisation<A extends Action = Action> {
  readonly identity: Identity
  readonly action: A
  readonly repository: RepositoryName
  /** Which charts the action covers; `undefined` when it covers all. */
  readonly chartScope: ChartScope | undefined
  readonly #rules: readonly CompiledRule[]
  readonly #elsewhere: AskElsewhere

  constructor(mint: typeof MINT, { identity, action, repository, rules, elsewhere }: Allowed<A>) {
    if (mint !== MINT) throw new TypeError('only a policy makes authorisations')
    this.identity = identity
    this.action = action
    this.repository = repository
    this.chartScope = chartScopeOf(rules, action)
    this.#rules = rules
    this.#elsewhere = elsewhere
  }

  /** The same identity's right to read another repository, by the same rules; `undefined` where it has none. */
  elsewhere(repository: RepositoryName): Authorisation<'read'> | undefined {
    return this.#elsewhere(repository)
  }

  /** Whether the identity may do this in the same repository: to the chart, or to any chart when none is given. */
  allows(action: Action, chart?: ChartName): boolean {
    return allows(decide(this.#rules, action, chart))
  }

  /** The second moment: the chart is known. Throws `not-allowed`. */
  requireChart(chart: ChartName, action: Action = this.action): void {
    if (action === this.action && this.chartScope === undefined) return
    const decision = decide(this.#rules, action, chart)
    if (allows(decision)) return
    const what = `${quoted(chart)} in ${describeRepository(this.repository)}`
    throw refusal(this.identity, action, what, decision)
  }
}

function chartScopeOf(rules: readonly CompiledRule[], action: Action): ChartScope | undefined {
  const about = rules.filter((rule) => rule.actions.has(action))
  const granting = about.filter(({ effect }) => effect === 'grant')
  const denied = about.filter(({ effect }) => effect === 'deny').flatMap(({ charts }) => charts)
  if (denied.length === 0 && granting.some(({ coversEveryChart }) => coversEveryChart)) return undefined
  return scopeOf(
    granting.flatMap(({ charts }) => charts),
    denied,
  )
}

/** Who acts on the command line, on the server's own files. */
const OPERATOR: Identity = {
  anchor: 'local',
  kind: 'cn',
  value: 'operator',
  commonNames: [],
  organizations: [],
  organizationalUnits: [],
  uris: [],
  emails: [],
  dnsNames: [],
  issuer: '',
  serial: '0',
  fingerprint: '',
  notBefore: new Date(0),
  notAfter: new Date(8.64e15),
}

/**
 * For the command line alone, never for a request: whoever runs it reads and writes the server's own files anyway, so no
 * rule is asked. It covers exactly these actions, on every chart: a command says what it means to do, and cannot do more
 * by mistake.
 */
export function operatorAuthorisation<A extends Action>(
  action: A,
  repository: RepositoryName,
  besides: readonly Action[] = [],
): Authorisation<A> {
  const may = [action, ...besides]
  const rule = compileRule({ who: { anchor: OPERATOR.anchor }, may, repositories: [{ glob: '**' }] }, 0)
  return new Authorisation(MINT, {
    identity: OPERATOR,
    action,
    repository,
    rules: [rule],
    elsewhere: (other) => (may.includes('read') ? operatorAuthorisation('read', other) : undefined),
  })
}

export interface ChartScope {
  readonly covers: Matcher
  /** The same for the same patterns, whoever holds them: 16 hexadecimal digits. */
  readonly key: string
}

/** What both cover; `undefined` when that is everything. */
export function narrowScope(a: ChartScope | undefined, b: ChartScope | undefined): ChartScope | undefined {
  if (a === undefined || b === undefined || a.key === b.key) return a ?? b
  return { covers: (chart) => a.covers(chart) && b.covers(chart), key: keyOf([a.key, b.key].sort()) }
}

function scopeOf(granted: readonly Pattern[], denied: readonly Pattern[]): ChartScope {
  const isGranted = compilePatterns(granted)
  const isDenied = compilePatterns(denied)
  return {
    covers: (chart) => isGranted(chart) && !isDenied(chart),
    key: keyOf([sorted(granted), sorted(denied)]),
  }
}

function keyOf(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16)
}

function sorted(patterns: readonly Pattern[]): readonly string[] {
  return patterns.map((pattern) => JSON.stringify(pattern)).sort()
}

function allows({ verdict }: Decision): boolean {
  return verdict === 'granted' || verdict === 'partly'
}

const PHRASES: Readonly<Record<Action, string>> = {
  read: 'may not read',
  publish: 'may not publish to',
  overwrite: 'may not overwrite in',
  delete: 'may not delete from',
  create: 'may not create',
  admin: 'is no administrator of',
}

/** That a rule denies it is told, so that nobody looks for a missing grant; what the rule says is not. */
function refusal(identity: Identity, action: Action, what: string, { verdict }: Decision): AppError {
  const why = verdict === 'denied' ? ': a rule denies it' : ''
  return new AppError('not-allowed', `${describeIdentity(identity)} ${PHRASES[action]} ${what}${why}`)
}
