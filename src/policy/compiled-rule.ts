import { type IdentityNames } from './identity.ts'
import { compilePattern, compilePatterns, type Matcher, type Pattern } from './pattern.ts'
import { membersOf, type Action, type Rule, type Subject, type Who } from './rule.ts'

/** A rule as it is asked on every request. */
export interface CompiledRule {
  /** Its index among the rules. */
  readonly place: number
  readonly effect: 'grant' | 'deny'
  readonly actions: ReadonlySet<Action>
  readonly appliesTo: (identity: IdentityNames) => boolean
  readonly coversRepository: Matcher
  readonly charts: readonly Pattern[]
  readonly coversChart: Matcher
  readonly coversEveryChart: boolean
}

const EVERY_CHART: readonly Pattern[] = [{ glob: '**' }]

export function compileRule(rule: Rule, place: number): CompiledRule {
  const { charts = EVERY_CHART } = rule
  return {
    place,
    ...('deny' in rule
      ? { effect: 'deny', actions: new Set(rule.deny) }
      : { effect: 'grant', actions: new Set(rule.may) }),
    appliesTo: compileSubject(rule.who),
    coversRepository: compilePatterns(rule.repositories),
    charts,
    coversChart: compilePatterns(charts),
    coversEveryChart: charts.some(isEveryChart),
  }
}

/** A chart's name holds no `/`, so that both globs match every one. */
function isEveryChart(pattern: Pattern): boolean {
  return 'glob' in pattern && (pattern.glob === '*' || pattern.glob === '**')
}

function compileSubject(subject: Subject): (identity: IdentityNames) => boolean {
  const members = membersOf(subject).map(compileWho)
  return (identity) => members.some((describes) => describes(identity))
}

function compileWho(who: Who): (identity: IdentityNames) => boolean {
  const conditions: ((identity: IdentityNames) => boolean)[] = [
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
  values: (identity: IdentityNames) => readonly string[],
): (identity: IdentityNames) => boolean {
  if (pattern === undefined) return () => true
  const matches = compilePattern(pattern)
  return (identity) => values(identity).some(matches)
}
