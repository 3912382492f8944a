import { createHash } from 'node:crypto'
import { type Digest, parseDigest } from './digest.ts'

export interface MemberFile {
  /** With the chart's directory: `demo/Chart.yaml`. */
  readonly path: string
  readonly size: number
  /** SHA-256 of the content, lower-case hex. */
  readonly sha256: string
}

/**
 * SHA-256 over one line per file, `<sha256> <size> <path>\n` in UTF-8, in bytewise order of the paths. Paths hold no
 * line feed (`MemberTree`), so no two lists have the same lines. The form is stored, so it can never change.
 */
export function contentDigest(files: readonly MemberFile[]): Digest {
  const hash = createHash('sha256')
  for (const { path, size, sha256 } of files.toSorted(byPath)) hash.update(`${sha256} ${size} ${path}\n`)
  return parseDigest(hash.digest('hex'))
}

function byPath(a: MemberFile, b: MemberFile): number {
  return Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))
}
