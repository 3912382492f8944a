import { posix } from 'node:path'
import { quoted } from '../text.ts'
import { chartInvalid } from './invalid.ts'
import { findUnsafeCharacters, LONGEST_PATH, type MemberNames, MOST_MEMBERS } from './member-tree.ts'

const DRIVE_LETTER = /^[a-zA-Z]:\//

/**
 * The paths of an archive's members as Helm's loader takes them (`LoadArchiveFiles`): the first element is dropped, be
 * it the chart's name, another or `.`, and of two members with one path the later counts. What Helm refuses is refused.
 */
export class HelmMembers implements MemberNames {
  /** Stands for whatever the members have in its place. */
  readonly top = '.'
  #count = 0

  add(name: string, kind: 'file' | 'directory'): string {
    this.#count += 1
    if (this.#count > MOST_MEMBERS) throw chartInvalid(`the archive has more than ${MOST_MEMBERS} members`)
    const delimiter = name.includes('\\') ? '\\' : '/'
    const [first, ...rest] = name.split(delimiter)
    const path = posix.normalize(rest.join('/'))
    const problem = findUnsafeCharacters(name) ?? (kind === 'file' ? findProblem(first, path) : undefined)
    if (problem !== undefined) throw chartInvalid(`the archive's member ${quoted(name)} ${problem}`)
    return `${this.top}/${path}`
  }
}

function findProblem(first: string | undefined, path: string): string | undefined {
  if (path.length > LONGEST_PATH) return 'has an overlong path'
  if (path.startsWith('/')) return 'has an absolute path'
  if (path === '.' || path.endsWith('/')) return 'lies outside of a chart directory'
  if (path.startsWith('..')) return 'has a path that climbs out'
  if (DRIVE_LETTER.test(path)) return 'has a drive letter in its path'
  return first === 'Chart.yaml' ? 'lies outside of a chart directory' : undefined
}
