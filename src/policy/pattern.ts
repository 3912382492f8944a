/**
 * How a grant names things: exactly, or by an explicit glob. The kind is in the type, so that no bare string is
 * secretly a pattern. The glob is these few lines and not a library's: there, `!admin` would match everybody else.
 */
export type Pattern = { readonly exact: string } | { readonly glob: string }

export type Matcher = (text: string) => boolean

/** `*` stands for any characters but `/`, `**` for any characters; everything else for itself. */
export function compilePattern(pattern: Pattern): Matcher {
  if ('exact' in pattern) return (text) => text === pattern.exact
  const source = pattern.glob
    .split(/(\*\*|\*)/)
    .map(globPart)
    .join('')
  // Flag s: a name with a line break in it is still matched whole.
  const expression = new RegExp(`^${source}$`, 's')
  return (text) => expression.test(text)
}

export function compilePatterns(patterns: readonly Pattern[]): Matcher {
  const matchers = patterns.map(compilePattern)
  return (text) => matchers.some((matches) => matches(text))
}

function globPart(part: string): string {
  if (part === '**') return '.*'
  if (part === '*') return '[^/]*'
  return part.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}
