import { quoted } from '../text.ts'
import { chartInvalid } from './invalid.ts'
import { isYamlList, isYamlMap, type YamlMap, type YamlValue } from './yaml-composer.ts'

/**
 * A map of a chart's file, read field by field with the types that Go's JSON decoder would ask for. An absent field,
 * null and what Helm's `omitempty` leaves out are all `undefined`. Every reader throws `chart-invalid`, naming the field.
 */
export interface Fields {
  readonly map: YamlMap
  /** The file's name and the path to this map, for messages: `Chart.yaml: dependencies[0]`. */
  readonly place: string
}

/** An entry of a list, with its place. */
export interface Entry {
  readonly value: YamlValue
  readonly place: string
}

/** A whole file; nothing in it counts as an empty map. */
export function fileFields(file: string, value: YamlValue | undefined): Fields {
  if (value === undefined || isNull(value)) return { map: new Map(), place: file }
  return entryFields({ value, place: file })
}

export function entryFields({ value, place }: Entry): Fields {
  if (!isYamlMap(value)) throw wrongType(place, value, 'a map')
  return { map: value, place }
}

/** The text as it is. */
export function readText(fields: Fields, name: string): string | undefined {
  const entry = findEntry(fields, name)
  if (entry === undefined) return undefined
  return textOf(entry) || undefined
}

/** The text on one line and printable, as Helm's `sanitizeString` makes it. */
export function readLine(fields: Fields, name: string): string | undefined {
  return toPrintable(readText(fields, name) ?? '') || undefined
}

/** `undefined` for false. */
export function readFlag(fields: Fields, name: string): true | undefined {
  const entry = findEntry(fields, name)
  if (entry === undefined) return undefined
  if (!('kind' in entry.value) || entry.value.kind !== 'boolean') {
    throw wrongType(entry.place, entry.value, 'true or false, without quotes')
  }
  return entry.value.text === 'true' ? true : undefined
}

export function readLines(fields: Fields, name: string): readonly string[] | undefined {
  return readEntries(fields, name)?.map((entry) => toPrintable(textOf(entry)))
}

/** `undefined` for an empty list. */
export function readEntries(fields: Fields, name: string): readonly Entry[] | undefined {
  const entry = findEntry(fields, name)
  if (entry === undefined) return undefined
  if (!isYamlList(entry.value)) throw wrongType(entry.place, entry.value, 'a list')
  if (entry.value.length === 0) return undefined
  return entry.value.map((value, index) => ({ value, place: `${entry.place}[${index}]` }))
}

/** `undefined` for an empty map. */
export function readTextMap(fields: Fields, name: string): Readonly<Record<string, string>> | undefined {
  const entry = findEntry(fields, name)
  if (entry === undefined) return undefined
  const { map, place } = entryFields(entry)
  if (map.size === 0) return undefined
  const texts = Array.from(
    map,
    ([key, value]) => [key, textOf({ value, place: `${place}[${quoted(key)}]` })] as const,
  )
  return Object.fromEntries(texts)
}

/** The text as it is, of a field that must be there. */
export function requireText(fields: Fields, name: string): string {
  const text = readText(fields, name)
  if (text === undefined) throw chartInvalid(`${placeOf(fields.place, name)} is missing`)
  return text
}

export function hasField(fields: Fields, name: string): boolean {
  return findEntry(fields, name) !== undefined
}

/** What Helm reads where it wants a string. */
function textOf({ value, place }: Entry): string {
  if (!('kind' in value)) throw wrongType(place, value, 'text')
  return value.text
}

/** A refusal in one sentence: which field, what it is, what is wanted. */
export function wrongType(place: string, value: YamlValue, wanted: string): Error {
  return chartInvalid(`${place} is ${describeType(value)}, and must be ${wanted}`)
}

/**
 * Go's JSON decoder takes a field's name in any case (`Version`, and by Unicode's folding `verſion`). Of two spellings
 * Helm takes one by an order that nobody sees, so they are refused.
 */
function findEntry({ map, place }: Fields, name: string): Entry | undefined {
  const anyCase = new RegExp(`^${name}$`, 'iu')
  const [spelling, other] = Array.from(map.keys()).filter((key) => anyCase.test(key))
  if (spelling === undefined) return undefined
  if (other !== undefined) {
    throw chartInvalid(`${place} has ${name} twice, as ${quoted(spelling)} and ${quoted(other)}`)
  }
  const value = map.get(spelling)
  return value === undefined || isNull(value) ? undefined : { value, place: placeOf(place, name) }
}

/** `Chart.yaml` and `Chart.yaml: maintainers[0]` want different joints. */
function placeOf(place: string, name: string): string {
  return place.includes(': ') ? `${place}.${name}` : `${place}: ${name}`
}

function isNull(value: YamlValue): boolean {
  return 'kind' in value && value.kind === 'null'
}

function describeType(value: YamlValue): string {
  if (isYamlList(value)) return 'a list'
  if (isYamlMap(value)) return 'a map'
  return { null: 'empty', boolean: 'true or false', number: 'a number', string: 'text' }[value.kind]
}

/** Go's `unicode.IsSpace` becomes a blank; what `unicode.IsPrint` denies is left out. */
function toPrintable(text: string): string {
  return text.replace(/\p{White_Space}/gu, ' ').replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]/gu, '')
}
