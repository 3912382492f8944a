import { setImmediate } from 'node:timers/promises'
import { type Authorisation } from '../policy/policy.ts'
import { type RenderedIndex } from '../repoindex/rendered-index.ts'
import { searchSegment } from '../repoindex/search.ts'
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
  /** As `ReadIndex`: it does not say which page it is. */
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
  const { index, whole, tag } = await readIndex(deps, authorisation)
  const found = text === '' ? index.names : await search(whole, text, new Set(index.names))
  const page = new Set(found.slice(offset, offset + limit))
  const isWhole = page.size === index.names.length
  return { index: isWhole ? index : index.restrictedTo((name) => page.has(name)), tag, total: found.length }
}

/** A segment at a time: reading one for the first time takes milliseconds, and other requests have their turn between. */
async function search(
  whole: RenderedIndex,
  text: string,
  visible: ReadonlySet<string>,
): Promise<readonly string[]> {
  const names: string[] = []
  for (const segment of whole.segments) {
    names.push(...searchSegment(segment, text).filter((name) => visible.has(name)))
    await setImmediate()
  }
  return names
}
