import { type ImportFinding } from '../repository/import-package.ts'

export type ImportCounts = Readonly<Record<ImportFinding['outcome'] | 'lenient', number>>

export function countFindings(findings: readonly ImportFinding[]): ImportCounts {
  const counts = { created: 0, unchanged: 0, refused: 0, lenient: 0 }
  for (const { outcome, reading } of findings) {
    counts[outcome] += 1
    if (reading === 'lenient') counts.lenient += 1
  }
  return counts
}

export function describeCounts({ created, unchanged, refused, lenient }: ImportCounts): string {
  return `${created} created, ${unchanged} unchanged, ${refused} refused, ${lenient} of them lenient`
}

/** For people: what somebody may have to look at, then how many there were. For programs: everything. */
export function describeImport(
  findings: readonly ImportFinding[],
  format: 'table' | 'json',
): readonly string[] {
  const counts = countFindings(findings)
  const sorted = findings.toSorted((a, b) => (a.source < b.source ? -1 : 1))
  if (format === 'json') return [JSON.stringify({ ...counts, packages: sorted })]
  const noted = sorted.filter(({ outcome, reason }) => reason !== undefined && outcome !== 'unchanged')
  return [...noted.map(describeFinding), describeCounts(counts)]
}

function describeFinding({ source, outcome, reason = '' }: ImportFinding): string {
  return outcome === 'refused' ? `refused ${source}: ${reason}` : `lenient ${source}: ${reason}`
}
