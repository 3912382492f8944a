/** What an index is ordered by: charts by name, a chart's versions from the greatest sort key to the least. */
export interface Place {
  readonly name: string
  /** Sorts bytewise as the chart's versions do (`chart/version.ts`); no two of them have the same. */
  readonly sortKey: string
}

/** Negative when the first comes before the second, 0 for the same version. */
export function comparePlaces(a: Place, b: Place): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1
  if (a.sortKey !== b.sortKey) return a.sortKey > b.sortKey ? -1 : 1
  return 0
}
