import { AppError } from '../errors.ts'
import { chartInvalid } from '../chart/invalid.ts'
import { isYamlList, isYamlMap, type YamlMap, type YamlValue } from '../chart/yaml-composer.ts'
import { stringScalar } from '../chart/yaml-scalar.ts'
import { parseYaml } from '../chart/yaml.ts'
import { indexSections } from './index-sections.ts'
import { upstreamInvalid } from './upstream-error.ts'

/** A chart's name and what stands below it. */
export type ChartSection = readonly [name: string, versions: YamlValue]

const FIRST_BYTES = 512
const BYTE_ORDER_MARK = '\ufeff'

/** The charts of an index in YAML or JSON. Throws `upstream-invalid` for what is none. */
export function* parseIndex(bytes: Buffer): Generator<ChartSection> {
  const head = bytes.toString('utf8', 0, FIRST_BYTES).replace(BYTE_ORDER_MARK, '').trimStart()
  if (head.startsWith('<')) throw upstreamInvalid('it sends a page where its index is expected')
  if (head.startsWith('{')) {
    yield* chartsOf(fromJson(parseJson(bytes), 0))
    return
  }
  const sections = indexSections(bytes)
  if (sections === undefined) yield* chartsOf(parseText(bytes))
  else for (const section of sections) yield* entriesOf(parseText(section))
}

/** JSON is YAML, and much faster to read as what it is. */
function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString().replace(BYTE_ORDER_MARK, ''))
  } catch (error) {
    throw upstreamInvalid('it sends no index of a chart repository: it cannot be parsed', error)
  }
}

/** An alias costs what it stands for, so a few nested ones come to no more than the index is long. */
function parseText(bytes: Buffer): YamlValue | undefined {
  try {
    const text = bytes.toString()
    return parseYaml(text, { name: 'index.yaml', maxLength: Math.max(text.length, FIRST_BYTES) * 2 })
  } catch (error) {
    const why = error instanceof AppError ? error.message : 'it cannot be parsed'
    throw upstreamInvalid(`it sends no index of a chart repository: ${why}`, error)
  }
}

function* chartsOf(document: YamlValue | undefined): Generator<ChartSection> {
  const entries = document !== undefined && isYamlMap(document) ? document.get('entries') : undefined
  // Helm writes `{}` or null for no charts at all.
  if (entries !== undefined && 'kind' in entries && entries.kind === 'null') return
  if (entries === undefined || !isYamlMap(entries))
    throw upstreamInvalid('it sends no index of a chart repository: it has no entries')
  yield* entriesOf(entries)
}

function entriesOf(entries: YamlValue | undefined): YamlMap | readonly [] {
  return entries !== undefined && isYamlMap(entries) ? entries : []
}

/** The deepest of Helm's fields is in the third level of an entry. */
const DEEPEST_JSON = 100

/** With the types that Helm's JSON decoder sees: text is text, and a number none. */
function fromJson(value: unknown, depth: number): YamlValue {
  if (depth > DEEPEST_JSON) throw upstreamInvalid('its index is nested too deep')
  if (value === null) return { kind: 'null', text: '' }
  if (typeof value === 'boolean') return { kind: 'boolean', text: String(value) }
  if (typeof value === 'number') return { kind: 'number', text: String(value) }
  if (Array.isArray(value)) return value.map((item) => fromJson(item, depth + 1))
  if (typeof value === 'string') return stringScalar(value)
  return new Map(Object.entries(value as object).map(([key, item]) => [key, fromJson(item, depth + 1)]))
}

/** The list of a chart's versions; null is an empty one. Throws `chart-invalid`. */
export function versionsOf([, versions]: ChartSection): readonly YamlValue[] {
  if (isYamlList(versions)) return versions
  if ('kind' in versions && versions.kind === 'null') return []
  throw chartInvalid('what stands under its name is no list of versions')
}
