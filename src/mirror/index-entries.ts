import { AppError } from '../errors.ts'
import { type YamlValue, isYamlMap } from '../chart/yaml-composer.ts'
import { entryFields } from '../chart/yaml-fields.ts'
import { asciiOnly, quoted } from '../text.ts'
import { compileFilters, compileNameFilter, type Filters } from './filters.ts'
import { type ChartSection, parseIndex, versionsOf } from './parse-index.ts'
import { readUpstreamEntry, type UpstreamEntry } from './upstream-entry.ts'

/** A version that is left out of the mirror, and why; texts of the upstream's, made printable. */
export interface RefusedEntry {
  readonly name: string
  readonly version: string
  readonly reason: string
}

export interface IndexBatch {
  readonly entries: readonly UpstreamEntry[]
  readonly refused: readonly RefusedEntry[]
}

/** What an index came to. */
export interface IndexSummary {
  /** What passed the filters. */
  readonly entries: number
  /** What did not. */
  readonly filtered: number
  /** What makes no sense, also beyond the refusals that were told one by one. */
  readonly refused: number
}

/** Of those, so many are told with their reasons. */
const MOST_REFUSALS_TOLD = 1000
const LONGEST_SHOWN = 128

/** The index chart by chart: no batch holds more than one. Throws `upstream-invalid`. */
export function* readIndexEntries(
  bytes: Buffer,
  { base, filters }: { readonly base: URL; readonly filters: Filters },
): Generator<IndexBatch, IndexSummary> {
  const select = compileFilters(filters)
  const isWanted = compileNameFilter(filters)
  const filenames = new Set<string>()
  const names = new Set<string>()
  const count = { entries: 0, filtered: 0, refused: 0 }
  for (const section of parseIndex(bytes)) {
    const chart = readChart(section, base, { filenames, isRepeated: names.has(section[0]) })
    names.add(section[0])
    const entries = isWanted(section[0]) ? select(chart.entries) : []
    count.entries += entries.length
    count.filtered += chart.entries.length - entries.length
    const refused = chart.refused.slice(0, Math.max(0, MOST_REFUSALS_TOLD - count.refused))
    count.refused += chart.refused.length
    if (entries.length + refused.length > 0) yield { entries, refused }
  }
  return count
}

interface Seen {
  readonly filenames: Set<string>
  /** Whether the chart's name stood in the index before. */
  readonly isRepeated: boolean
}

function readChart(section: ChartSection, base: URL, seen: Seen): IndexBatch {
  const [name] = section
  const entries: UpstreamEntry[] = []
  const refused: RefusedEntry[] = []
  const take = (version: string, read: () => void): void => {
    try {
      read()
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      refused.push({ name: shown(name), version: shown(version), reason: error.message })
    }
  }
  take('', () => {
    if (seen.isRepeated) throw new AppError('chart-invalid', 'the index has its name twice')
    for (const value of versionsOf(section)) {
      take(versionTextOf(value), () => {
        const entry = readUpstreamEntry(entryFields({ value, place: 'index.yaml' }), name, base)
        requireFirst(entry, seen.filenames)
        entries.push(entry)
      })
    }
  })
  return { entries, refused }
}

/** Two charts can share a file name, which can be served for one of them only; of a version that is there twice, the first. */
function requireFirst({ filename }: UpstreamEntry, filenames: Set<string>): void {
  if (filenames.has(filename))
    throw new AppError('chart-invalid', `the index has the file name ${quoted(filename)} twice`)
  filenames.add(filename)
}

function versionTextOf(value: YamlValue): string {
  const version = isYamlMap(value) ? value.get('version') : undefined
  return version !== undefined && 'kind' in version ? version.text : ''
}

function shown(text: string): string {
  return asciiOnly(text.slice(0, LONGEST_SHOWN))
}
