import { type RepositoryName } from '../chart/repository-name.ts'
import { type RepositoryEntry } from '../config/load.ts'
import { compilePattern, type Matcher } from '../policy/pattern.ts'

export interface Entry<T> {
  readonly name: RepositoryEntry['name']
  readonly value: T
}

/** What a repository's own entry says, else the first whose glob matches it; `undefined` where there is none. */
export function lookUpEntries<T extends object>(
  entries: readonly Entry<T>[],
): (name: RepositoryName) => T | undefined {
  const byName = new Map<RepositoryName, T>()
  const byGlob: { readonly matches: Matcher; readonly value: T }[] = []
  for (const { name, value } of entries) {
    if (typeof name === 'string') byName.set(name, value)
    else byGlob.push({ matches: compilePattern(name), value })
  }
  return (name) => byName.get(name) ?? byGlob.find(({ matches }) => matches(name))?.value
}
