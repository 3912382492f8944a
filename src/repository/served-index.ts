import { type RenderedIndex } from '../repoindex/rendered-index.ts'

/** An index as somebody may see it. */
export interface ServedIndex {
  readonly index: RenderedIndex
  /** Changes whenever the bytes may: the catalog's epoch, the revision, how it is rendered, and what is visible. */
  readonly tag: string
  /** Which index it is, whatever its revision. */
  readonly key: string
}
