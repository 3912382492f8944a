import { isPrerelease, type ChartVersion } from '../chart/version.ts'
import { entryAt, type Segment } from './segment.ts'

/** What an entry says that somebody might look for. */
interface SearchedEntry {
  readonly version: ChartVersion
  readonly description?: string
  readonly keywords?: readonly string[]
}

/** What a segment says of a chart that it has versions of. */
interface SearchLine {
  readonly name: string
  readonly text: string
  /** Of a version that is no pre-release: what the chart's further segments say does not count. */
  readonly isRelease: boolean
}

/** Made when a segment is searched first: the next revision shares it, where the segment did not change. */
const linesBySegment = new WeakMap<Segment, readonly SearchLine[]>()

/**
 * Finds the charts that hold the text in their name, description or keywords, in any case, as `helm search repo` looks
 * for it: in the version that it would show, which is the newest that is no pre-release. A chart of pre-releases alone
 * is found by its newest. To be given an index's segments in their order.
 */
export class ChartSearch {
  readonly #wanted: string
  readonly #found: string[] = []
  /** Of the chart that may go on in the next segment. */
  #last: SearchLine | undefined

  constructor(text: string) {
    this.#wanted = text.toLowerCase()
  }

  add(segment: Segment): void {
    const lines = linesBySegment.get(segment) ?? readLines(segment)
    linesBySegment.set(segment, lines)
    for (const line of lines) {
      if (line.name !== this.#last?.name) {
        this.#settle()
        this.#last = line
      } else if (!this.#last.isRelease && line.isRelease) this.#last = line
    }
  }

  /** The names of the charts found, in order. */
  finish(): readonly string[] {
    this.#settle()
    return this.#found
  }

  #settle(): void {
    if (this.#last?.text.includes(this.#wanted) === true) this.#found.push(this.#last.name)
    this.#last = undefined
  }
}

/** Between the fields, so that no text is found across two of them; Helm has the same. */
const SEPARATOR = '\v'

function readLines(segment: Segment): readonly SearchLine[] {
  return segment.charts.map(({ name, start }, place) => {
    const end = segment.charts[place + 1]?.start ?? segment.sortKeys.length
    const release = findRelease(segment.sortKeys, start, end)
    const { text } = entryAt(segment, name, release ?? start)
    const { description = '', keywords = [] } = JSON.parse(text.toString()) as SearchedEntry
    const fields = [name, description, keywords.join(' ')]
    return { name, text: fields.join(SEPARATOR).toLowerCase(), isRelease: release !== undefined }
  })
}

/** The first version that is no pre-release. A sort key ends with the version (`versionSortKey`). */
function findRelease(sortKeys: readonly string[], start: number, end: number): number | undefined {
  for (let version = start; version < end; version += 1) {
    const sortKey = sortKeys[version] ?? ''
    if (!isPrerelease(sortKey.slice(sortKey.lastIndexOf(' ') + 1) as ChartVersion)) return version
  }
  return undefined
}
