import { isPrerelease, versionSortKey, type ChartVersion } from '../chart/version.ts'

/** What a repository keeps of each chart. A version goes only when everything that is set here lets it go. */
export interface Retention {
  /** The newest so many by SemVer, pre-releases included. */
  readonly keepVersions?: number | undefined
  /** Those published within so many milliseconds. */
  readonly keepFor?: number | undefined
}

interface Candidate {
  readonly version: ChartVersion
  readonly publishedAt: Date
}

export interface Surplus<V> {
  readonly version: V
  /** Why it may go, for people. */
  readonly reason: string
}

/**
 * Those of a chart's versions that the retention lets go, the oldest first. Never the newest stable one, nor the newest
 * where none is stable: no chart vanishes. Once they are gone, it lets go no other.
 */
export function findSurplus<V extends Candidate>(
  versions: readonly V[],
  retention: Retention,
  now: Date,
): readonly Surplus<V>[] {
  const newestFirst = versions.toSorted((a, b) => compare(b.version, a.version))
  const kept = newestFirst.find(({ version }) => !isPrerelease(version)) ?? newestFirst[0]
  return newestFirst
    .flatMap((version, place) => {
      const reason = version === kept ? undefined : reasonToGo(version, place, retention, now)
      return reason === undefined ? [] : [{ version, reason }]
    })
    .toReversed()
}

function compare(a: ChartVersion, b: ChartVersion): number {
  const [keyA, keyB] = [versionSortKey(a), versionSortKey(b)]
  if (keyA === keyB) return 0
  return keyA < keyB ? -1 : 1
}

const DAY_MS = 86_400_000

function reasonToGo(
  { publishedAt }: Candidate,
  place: number,
  { keepVersions, keepFor }: Retention,
  now: Date,
): string | undefined {
  const ageMs = now.getTime() - publishedAt.getTime()
  if (keepVersions !== undefined && place < keepVersions) return undefined
  if (keepFor !== undefined && ageMs <= keepFor) return undefined
  const reasons = [
    ...(keepVersions === undefined ? [] : [`not among the newest ${keepVersions}`]),
    ...(keepFor === undefined ? [] : [`published ${Math.floor(ageMs / DAY_MS)} days ago`]),
  ]
  return reasons.length === 0 ? undefined : reasons.join(', ')
}
