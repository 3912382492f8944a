import { isPrerelease, type ChartVersion, versionSortKey } from '../chart/version.ts'
import { parseVersionConstraint } from '../chart/version-constraint.ts'
import { compilePattern, type Pattern } from '../policy/pattern.ts'

/** What an upstream's versions are chosen by; plain data, so that it can be sent to a worker. */
export interface Filters {
  /** Absent: everything. */
  readonly include?: readonly Selection[] | undefined
  readonly exclude: readonly Selection[]
  readonly prereleases: boolean
  /** Of each chart the newest so many of what is left. */
  readonly keepLast?: number | undefined
}

interface Selection {
  readonly chart: Pattern
  /** As `helm --version` takes it. */
  readonly versions?: string | undefined
}

interface Candidate {
  readonly name: string
  readonly version: ChartVersion
}

/** The candidates that pass, in their order. Each chart's must come together, as `keepLast` counts them. */
export type Filter = <T extends Candidate>(candidates: readonly T[]) => readonly T[]

/** Throws `chart-unknown` for a range that is none. */
export function compileFilters({ include, exclude, prereleases, keepLast }: Filters): Filter {
  const isIncluded = include === undefined ? () => true : compileSelections(include)
  const isExcluded = compileSelections(exclude)
  return (candidates) => {
    const passing = candidates.filter(
      (candidate) =>
        (prereleases || !isPrerelease(candidate.version)) && isIncluded(candidate) && !isExcluded(candidate),
    )
    return keepLast === undefined ? passing : newest(passing, keepLast)
  }
}

/** Whether a chart of this name can have versions that pass; what others have can be left unread. */
export function compileNameFilter({ include }: Filters): (name: string) => boolean {
  if (include === undefined) return () => true
  const matchers = include.map(({ chart }) => compilePattern(chart))
  return (name) => matchers.some((matches) => matches(name))
}

function compileSelections(selections: readonly Selection[]): (candidate: Candidate) => boolean {
  const compiled = selections.map(({ chart, versions }) => ({
    isChart: compilePattern(chart),
    isVersion: versions === undefined ? () => true : parseVersionConstraint(versions),
  }))
  return ({ name, version }) => compiled.some(({ isChart, isVersion }) => isChart(name) && isVersion(version))
}

function newest<T extends Candidate>(candidates: readonly T[], count: number): readonly T[] {
  const keys = new Map(candidates.map((candidate) => [candidate, versionSortKey(candidate.version)]))
  const keyOf = (candidate: T): string => keys.get(candidate) ?? ''
  const chosen = new Set<T>()
  for (const chart of Map.groupBy(candidates, ({ name }) => name).values()) {
    const ordered = chart.toSorted((a, b) => (keyOf(a) < keyOf(b) ? 1 : -1))
    for (const candidate of ordered.slice(0, count)) chosen.add(candidate)
  }
  return candidates.filter((candidate) => chosen.has(candidate))
}
