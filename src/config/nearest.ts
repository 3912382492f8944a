/** Names further apart than this are no typing mistake. */
const FURTHEST = 3

/** ` (did you mean x?)` for the known name that is nearest to a mistyped one, or nothing. */
export function nearest(typed: string, known: readonly string[]): string {
  const [best] = known
    .map((name) => ({ name, distance: editDistance(typed.toLowerCase(), name.toLowerCase()) }))
    .filter(({ distance }) => distance <= FURTHEST)
    .sort((a, b) => a.distance - b.distance)
  return best === undefined ? '' : ` (did you mean ${best.name}?)`
}

/** Levenshtein's, a row of the table at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (const [line, char] of Array.from(a).entries()) {
    let left = line + 1
    row = row.map((above, column) => {
      if (column === 0) return line + 1
      const diagonal = row[column - 1] ?? 0
      left = Math.min(above + 1, left + 1, diagonal + (b[column - 1] === char ? 0 : 1))
      return left
    })
  }
  return row[b.length] ?? 0
}
