/** A character of a class, or outside of one, as `filepath.Match` on Unix lets it be written. */
const CLASS_CHARACTER = String.raw`(?:\\.|[^\\\]-])`
const CLASS_RANGE = `(${CLASS_CHARACTER})(?:-(${CLASS_CHARACTER}))?`
const CLASS = String.raw`\[(?:\^|(?!\^))(?:${CLASS_RANGE})+\]`
const TERM = new RegExp(String.raw`\*|\?|${CLASS}|\\.|[^\\[*?]`, 'suyg')

/** The pattern of Go's `filepath.Match` as a regular expression of whole texts; `undefined` for a malformed one. */
export function compileGoGlob(glob: string): RegExp | undefined {
  const terms = glob.match(TERM) ?? []
  if (terms.join('') !== glob) return undefined
  return new RegExp(`^${terms.map(compileTerm).join('')}$`, 'su')
}

function compileTerm(term: string): string {
  if (term === '*') return '[^/]*'
  if (term === '?') return '[^/]'
  return term.startsWith('[') ? compileClass(term) : literal(term)
}

function compileClass(term: string): string {
  const negation = term.startsWith('[^') ? '^' : ''
  const ranges = term.slice(1 + negation.length, -1).matchAll(new RegExp(CLASS_RANGE, 'sug'))
  return `[${negation}${Array.from(ranges, ([, low = '', high = low]) => compileRange(low, high)).join('')}]`
}

/** From a higher to a lower character there is nothing in Go, and a syntax error here. */
function compileRange(low: string, high: string): string {
  return codePointOf(low) <= codePointOf(high) ? `${literal(low)}-${literal(high)}` : ''
}

/** By its number, so that it means itself inside a class and outside. */
function literal(character: string): string {
  return `\\u{${codePointOf(character).toString(16)}}`
}

function codePointOf(character: string): number {
  const bare = character.length > 1 && character.startsWith('\\') ? character.slice(1) : character
  return bare.codePointAt(0) ?? 0
}
