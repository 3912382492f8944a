import { type Readiness } from '../ops/readiness.ts'
import { type InputStatus } from '../ops/reloadable.ts'

export interface MergedReadiness extends Readiness {
  readonly workers: { readonly ready: number; readonly expected: number }
}

/** Ready are several processes when each is. Of each check and input, the worst that one of them says. */
export function mergeReadiness(
  expected: number,
  answers: readonly (Readiness | undefined)[],
): MergedReadiness {
  const known = answers.filter((answer) => answer !== undefined)
  const ready = known.filter((answer) => answer.ready).length
  const checks = known.flatMap((answer) => Object.entries(answer.checks))
  const inputs = Map.groupBy(
    known.flatMap((answer) => answer.inputs),
    ({ name }) => name,
  )
  return {
    ready: ready === expected,
    // Those that failed come last, and stay.
    checks: Object.fromEntries([...checks.filter(isOk), ...checks.filter((check) => !isOk(check))]),
    inputs: [...inputs.values()].flatMap((statuses) => statuses.toSorted(worstFirst)[0] ?? []),
    workers: { ready, expected },
  }
}

function isOk([, result]: readonly [string, string]): boolean {
  return result === 'ok'
}

/** One that could not be read again, then the oldest. */
function worstFirst(one: InputStatus, other: InputStatus): number {
  const failed = Number(other.error !== undefined) - Number(one.error !== undefined)
  return failed || one.loadedAt.getTime() - other.loadedAt.getTime()
}
