import { pausing } from '../ops/turn.ts'
import { type Authorisation } from '../policy/policy.ts'
import { type RenderedIndex } from '../repoindex/rendered-index.ts'
import { ChartSearch } from '../repoindex/search.ts'
import { readIndex, type ReadIndexDeps } from './read-index.ts'

export interface ChartQuery {
  /** A text in the charts' names, descriptions or keywords. */
  readonly text?: string
  /** How many charts to leave out. */
  readonly offset: number
  /** How many to give at most; all, when absent. */
  readonly limit?: number
}

export interface ChartPage {
  /** With the charts of the page only. */
  readonly index: RenderedIndex
  /** As `ServedIndex`: it does not say which page it is. */
  readonly tag: string
  /** How many charts the query finds, on all pages. */
  readonly total: number
}

/** The charts of the repository that this identity may see, in order of name. Throws `repository-unknown`. */
export async function listCharts(
  deps: ReadIndexDeps,
  authorisation: Authorisation<'read'>,
  { text = '', offset, limit = Infinity }: ChartQuery,
): Promise<ChartPage> {
  const { index, tag } = await readIndex(deps, authorisation)
  const found = text === '' ? undefined : await search(index, text)
  const total = found?.length ?? index.size
  const end = Math.min(offset + limit, total)
  if (end - offset === index.size) return { index, tag, total }
  const page = found?.slice(offset, end) ?? index.namesBetween(offset, end)
  return { index: await index.only(page, pausing()), tag, total }
}

/** In turns: reading a segment for the first time takes milliseconds. */
async function search(index: RenderedIndex, text: string): Promise<readonly string[]> {
  const charts = new ChartSearch(text)
  const pause = pausing()
  for (const segment of index.segments) {
    charts.add(segment)
    await pause()
  }
  return charts.finish()
}
