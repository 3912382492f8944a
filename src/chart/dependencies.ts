import { quoted } from '../text.ts'
import { chartInvalid } from './invalid.ts'
import { present } from './present.ts'
import { isYamlMap } from './yaml-composer.ts'
import {
  entryFields,
  type Entry,
  type Fields,
  readEntries,
  readFlag,
  readLine,
  readLines,
  readText,
  wrongType,
} from './yaml-fields.ts'

export interface ChartDependency {
  readonly name: string
  readonly version?: string
  readonly repository?: string
  readonly condition?: string
  readonly tags?: readonly string[]
  readonly enabled?: boolean
  readonly 'import-values'?: readonly (string | Readonly<Record<string, string>>)[]
  readonly alias?: string
}

/** Helm's `aliasNameFormat`. */
const ALIAS = /^[a-zA-Z0-9_-]+$/

/** Reads and validates as Helm's `Metadata.Validate` does. Throws `chart-invalid`. */
export function readDependencies(fields: Fields): readonly ChartDependency[] | undefined {
  const dependencies = readEntries(fields, 'dependencies')?.map(readDependency)
  if (dependencies !== undefined) checkDistinct(dependencies, fields.place)
  return dependencies
}

function readDependency(entry: Entry): ChartDependency {
  const fields = entryFields(entry)
  const name = readLine(fields, 'name')
  if (name === undefined) throw chartInvalid(`${entry.place} has no name`)
  return present({
    name,
    version: readLine(fields, 'version'),
    repository: readLine(fields, 'repository'),
    condition: readLine(fields, 'condition'),
    tags: readLines(fields, 'tags'),
    enabled: readFlag(fields, 'enabled'),
    'import-values': readEntries(fields, 'import-values')?.map(readImportedValue),
    alias: readAlias(fields),
  })
}

function readAlias(fields: Fields): string | undefined {
  const alias = readText(fields, 'alias')
  if (alias !== undefined && !ALIAS.test(alias)) {
    throw chartInvalid(`${fields.place}.alias is ${quoted(alias)}, and must be of letters, digits, _ and -`)
  }
  return alias
}

/** Helm keeps these entries untyped, so here a number would not become text. */
function readImportedValue(entry: Entry): string | Readonly<Record<string, string>> {
  const { value, place } = entry
  if (!isYamlMap(value)) return stringOf(entry)
  const pairs = ['child', 'parent'].flatMap((key) => {
    const part = value.get(key)
    return part === undefined ? [] : [[key, stringOf({ value: part, place: `${place}.${key}` })] as const]
  })
  return Object.fromEntries(pairs)
}

function stringOf({ value, place }: Entry): string {
  if ('kind' in value && value.kind === 'string') return value.text
  throw wrongType(place, value, 'text')
}

function checkDistinct(dependencies: readonly ChartDependency[], place: string): void {
  const seen = new Set<string>()
  for (const { alias, name } of dependencies) {
    const key = alias ?? name
    if (seen.has(key)) throw chartInvalid(`${place}: dependencies name ${quoted(key)} more than once`)
    seen.add(key)
  }
}
