import { quoted } from '../text.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import { membersOf, type Subject, type Who } from './rule.ts'

const NAMES = ['cn', 'o', 'ou', 'uri', 'email', 'dns'] as const

/** How a subject of the file is shown: `group ci`, `built-in ou:"publishers"`, `built-in cn~"ci-*"` (a glob). */
export function describeSubject(subject: Subject): string {
  if ('members' in subject) return `group ${quoted(subject.group)}`
  const names = NAMES.flatMap((name) => describePattern(name, subject[name]))
  const fingerprint = subject.fingerprint === undefined ? [] : [`fingerprint:${subject.fingerprint}`]
  const attributes = [...names, ...fingerprint]
  return [subject.anchor, ...(attributes.length === 0 ? ['(everybody)'] : attributes)].join(' ')
}

/** Whether everybody whom `narrow` describes, `wide` describes too, as far as can be told without comparing globs. */
export function isWithin(narrow: Subject, wide: Subject): boolean {
  const candidates = membersOf(wide)
  return membersOf(narrow).every((who) => candidates.some((candidate) => isWhoWithin(who, candidate)))
}

function isWhoWithin(narrow: Who, wide: Who): boolean {
  if (narrow.anchor !== wide.anchor) return false
  if (wide.fingerprint !== undefined && narrow.fingerprint !== wide.fingerprint) return false
  return NAMES.every((name) => isPatternWithin(narrow[name], wide[name]))
}

function isPatternWithin(narrow: Pattern | undefined, wide: Pattern | undefined): boolean {
  if (wide === undefined) return true
  if (narrow === undefined) return false
  if ('exact' in narrow) return compilePattern(wide)(narrow.exact)
  return 'glob' in wide && (wide.glob === narrow.glob || wide.glob === '**')
}

function describePattern(name: string, pattern: Pattern | undefined): readonly string[] {
  if (pattern === undefined) return []
  return ['exact' in pattern ? `${name}:${quoted(pattern.exact)}` : `${name}~${quoted(pattern.glob)}`]
}
