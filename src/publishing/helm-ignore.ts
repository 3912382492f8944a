import { chartInvalid } from '../chart/invalid.ts'
import { quoted } from '../text.ts'
import { compileGoGlob } from './go-glob.ts'

/** What a path is for the rules; a link is what it leads to. */
export type PathKind = 'file' | 'directory'

interface Rule {
  readonly pattern: RegExp
  /** Against the whole path, or against its last element wherever it is. */
  readonly matches: 'path' | 'name'
  readonly negated: boolean
  readonly directoriesOnly: boolean
}

/** Helm adds it to every chart's own rules (`Rules.AddDefaults`). */
const DEFAULT_RULE = 'templates/.?*'

/**
 * A chart's `.helmignore`, read as Helm's `pkg/ignore` does, oddities included: the first rule that matches decides, and
 * a negated one (`!x`) ignores everything that does *not* match it. Throws `chart-invalid` where Helm refuses a rule.
 */
export class HelmIgnore {
  readonly #rules: readonly Rule[]

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules
  }

  /** The text of the file; an absent one is like an empty one. */
  static parse(text: string): HelmIgnore {
    return new HelmIgnore([...text.split('\n'), DEFAULT_RULE].flatMap(parseRule))
  }

  /** Whether the path, relative to the chart's directory, is left out; a directory with all that is in it. */
  ignores(path: string, kind: PathKind): boolean {
    return this.#rules.some((rule) => decides(rule, path, kind))
  }
}

function decides(
  { pattern, matches, negated, directoriesOnly }: Rule,
  path: string,
  kind: PathKind,
): boolean {
  if (directoriesOnly && kind !== 'directory') return negated
  return pattern.test(matches === 'path' ? path : lastElement(path)) !== negated
}

/** No rule for a blank line or a comment. */
function parseRule(line: string): readonly Rule[] {
  const text = line.trim()
  if (text === '' || text.startsWith('#')) return []
  if (text.includes('**')) throw refusal(text, 'Helm knows no double star (**)')
  const [, negation = '', body = '', slash = ''] = /^(!?)(.*?)(\/?)$/su.exec(text) ?? []
  const pattern = compileGoGlob(body.replace(/^\//, ''))
  if (pattern === undefined) throw refusal(text, 'it is no pattern')
  return [
    {
      pattern,
      matches: body.includes('/') ? 'path' : 'name',
      negated: negation !== '',
      directoriesOnly: slash !== '',
    },
  ]
}

function refusal(rule: string, why: string): Error {
  return chartInvalid(`.helmignore: the rule ${quoted(rule)} cannot be used: ${why}`)
}

function lastElement(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
