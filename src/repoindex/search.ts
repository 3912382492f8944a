import { isPrerelease, type ChartVersion } from '../chart/version.ts'
import { type RenderedChart, type Segment } from './segment.ts'

/** What an entry says that somebody might look for. */
interface SearchedEntry {
  readonly version: ChartVersion
  readonly description?: string
  readonly keywords?: readonly string[]
}

interface SearchLine {
  readonly name: string
  readonly text: string
}

/** Made when a segment is searched first: the next revision shares it, where the segment did not change. */
const linesBySegment = new WeakMap<Segment, readonly SearchLine[]>()

/**
 * The names of the segment's charts that hold the text in their name, description or keywords, in any case, as `helm
 * search repo` looks for it: in the version that it would show, which is the newest that is no pre-release. A chart of
 * pre-releases alone is found by its newest.
 */
export function searchSegment(segment: Segment, text: string): readonly string[] {
  const wanted = text.toLowerCase()
  const lines = linesBySegment.get(segment) ?? segment.charts.map(readLine)
  linesBySegment.set(segment, lines)
  return lines.filter((line) => line.text.includes(wanted)).map(({ name }) => name)
}

/** Between the fields, so that no text is found across two of them; Helm has the same. */
const SEPARATOR = '\v'

function readLine({ name, text }: RenderedChart): SearchLine {
  const versions = Object.values(JSON.parse(`{${text.toString()}}`) as Record<string, SearchedEntry[]>).flat()
  const shown = versions.find(({ version }) => !isPrerelease(version)) ?? versions[0]
  const fields = [name, shown?.description ?? '', shown?.keywords?.join(' ') ?? '']
  return { name, text: fields.join(SEPARATOR).toLowerCase() }
}
