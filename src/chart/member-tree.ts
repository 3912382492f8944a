import { quoted } from '../text.ts'
import { chartInvalid } from './invalid.ts'

/** A limit of ours: an empty member costs its sender next to nothing, and memory here. */
export const MOST_MEMBERS = 10_000
/** Limits of ours as well: a member costs memory for each directory that it is in. */
export const LONGEST_PATH = 1024
const DEEPEST_PATH = 64

/** C0, DEL and C1, and what a decoder puts in place of bytes that are not UTF-8. */
const UNSAFE_CHARACTER = /[\x00-\x1f\x7f-\x9f\ufffd]/
const DRIVE_LETTER = /^[a-zA-Z]:/

/** Judges the paths of an archive's members as they come. */
export interface MemberNames {
  /** The one directory at the top; `undefined` before the first member. */
  readonly top: string | undefined
  /** The member's path below `top`, without the slash that ends a directory's name. Throws `chart-invalid`. */
  add(name: string, kind: 'file' | 'directory'): string
}

/** The strict judge: each path written in one way, each there once, all below one directory. */
export class MemberTree implements MemberNames {
  readonly #members = new Set<string>()
  readonly #files = new Set<string>()
  /** Those that have something in them. */
  readonly #parents = new Set<string>()
  #top: string | undefined

  get top(): string | undefined {
    return this.#top
  }

  add(name: string, kind: 'file' | 'directory'): string {
    const path = kind === 'directory' && name.endsWith('/') ? name.slice(0, -1) : name
    const problem = findNameProblem(path) ?? this.#findPlaceProblem(path, kind)
    if (problem !== undefined) throw chartInvalid(`the archive's member ${quoted(name)} ${problem}`)
    if (this.#members.size === MOST_MEMBERS) {
      throw chartInvalid(`the archive has more than ${MOST_MEMBERS} members`)
    }
    this.#remember(path, kind)
    return path
  }

  #findPlaceProblem(path: string, kind: 'file' | 'directory'): string | undefined {
    if (kind === 'file' && !path.includes('/')) return 'lies outside of a chart directory'
    if (this.#top !== undefined && this.#top !== topOf(path)) {
      return `lies outside of the directory ${quoted(this.#top)}`
    }
    if (this.#members.has(path)) return 'is there twice'
    const isParent = kind === 'file' && this.#parents.has(path)
    if (isParent || parentsOf(path).some((parent) => this.#files.has(parent))) {
      return 'makes a path both file and directory'
    }
    return undefined
  }

  #remember(path: string, kind: 'file' | 'directory'): void {
    this.#top = topOf(path)
    this.#members.add(path)
    for (const parent of parentsOf(path)) this.#parents.add(parent)
    if (kind === 'file') this.#files.add(path)
  }
}

function findNameProblem(path: string): string | undefined {
  const elements = path.split('/')
  if (path.length > LONGEST_PATH || elements.length > DEEPEST_PATH) return 'has an overlong path'
  const unsafe = findUnsafeCharacters(path)
  if (unsafe !== undefined) return unsafe
  // Helm takes it for the separator.
  if (path.includes('\\')) return 'has a backslash in its path'
  if (path.startsWith('/')) return 'has an absolute path'
  // Helm refuses a name at the top that starts with two points, whatever follows.
  if (elements.includes('..') || elements[1]?.startsWith('..') === true) return 'has a path that climbs out'
  // Helm resolves them, so that one file has many names.
  if (elements.some((element) => element === '' || element === '.')) {
    return 'has an empty element or . in its path'
  }
  return elements.some((element) => DRIVE_LETTER.test(element)) ? 'has a drive letter in its path' : undefined
}

export function findUnsafeCharacters(path: string): string | undefined {
  if (!UNSAFE_CHARACTER.test(path)) return undefined
  return 'has control characters or bytes that are not UTF-8 in its path'
}

function topOf(path: string): string {
  return path.replace(/\/.*$/s, '')
}

function parentsOf(path: string): readonly string[] {
  const elements = path.split('/')
  return elements.slice(1).map((_, index) => elements.slice(0, index + 1).join('/'))
}
