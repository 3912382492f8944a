import { type CompiledRule } from './compiled-rule.ts'
import { type Action } from './rule.ts'

/**
 * What rules say of an action. `partly`, only where no chart is named: for some charts, not for all. `denied`: a grant
 * is there, and a denial takes it back.
 */
export interface Decision {
  readonly verdict: 'granted' | 'partly' | 'denied' | 'ungranted'
  /** The places of the rules that decide it. */
  readonly rules: readonly number[]
}

/** What becomes of the action on the chart, or on any chart when none is named, where exactly these rules apply. */
export function decide(rules: readonly CompiledRule[], action: Action, chart?: string): Decision {
  const about = rules.filter((rule) => rule.actions.has(action))
  const grants = about.filter(({ effect }) => effect === 'grant')
  const denials = about.filter(({ effect }) => effect === 'deny')
  return chart === undefined ? decideAnyChart(grants, denials) : decideChart(grants, denials, chart)
}

function decideChart(
  grants: readonly CompiledRule[],
  denials: readonly CompiledRule[],
  chart: string,
): Decision {
  const grant = grants.find((rule) => rule.coversChart(chart))
  if (grant === undefined) return { verdict: 'ungranted', rules: [] }
  const denial = denials.find((rule) => rule.coversChart(chart))
  if (denial !== undefined) return { verdict: 'denied', rules: [denial.place] }
  return { verdict: 'granted', rules: [grant.place] }
}

function decideAnyChart(grants: readonly CompiledRule[], denials: readonly CompiledRule[]): Decision {
  if (grants.length === 0) return { verdict: 'ungranted', rules: [] }
  const denial = denials.find(({ coversEveryChart }) => coversEveryChart)
  if (denial !== undefined) return { verdict: 'denied', rules: [denial.place] }
  if (!grants.some((grant) => leavesAChart(grant, denials)))
    return { verdict: 'denied', rules: placesOf(denials) }
  const whole = grants.find(({ coversEveryChart }) => coversEveryChart)
  if (whole !== undefined && denials.length === 0) return { verdict: 'granted', rules: [whole.place] }
  return { verdict: 'partly', rules: placesOf([...grants, ...denials]) }
}

/**
 * Whether the denials leave anything of what the grant covers, as far as can be told without comparing globs: one
 * counts as covered by the same glob only. Where the answer is `true` by mistake, each chart is refused when it is
 * named.
 */
function leavesAChart({ charts }: CompiledRule, denials: readonly CompiledRule[]): boolean {
  return charts.some(
    (pattern) =>
      !denials.some((denial) =>
        'exact' in pattern
          ? denial.coversChart(pattern.exact)
          : denial.charts.some((other) => 'glob' in other && other.glob === pattern.glob),
      ),
  )
}

function placesOf(rules: readonly CompiledRule[]): readonly number[] {
  return rules.map(({ place }) => place).sort((a, b) => a - b)
}
