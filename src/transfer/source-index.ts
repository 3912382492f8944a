import { CORE_SCHEMA, load } from 'js-yaml'
import { type Digest, parseDigest } from '../chart/digest.ts'
import { AppError } from '../errors.ts'

/** What another repository's index says of a version, as far as an import needs it. */
export interface SourceEntry {
  readonly name: string
  readonly version: string
  readonly urls: readonly string[]
  readonly createdAt?: Date
  readonly digest?: Digest
}

/** Our own largest index, of 100,000 versions, is below it. */
export const MOST_INDEX_BYTES = 128 * 1024 * 1024

/**
 * The entries of an `index.yaml`, or of ChartMuseum's `index-cache.yaml`. A field that makes no sense is left out: the
 * archive says what matters. Throws `request-invalid` where it is no index.
 */
export function parseSourceIndex(text: string): readonly SourceEntry[] {
  const entries = fieldOf(parse(text), 'entries')
  if (typeof entries !== 'object' || entries === null) {
    throw new AppError('request-invalid', 'it is no index of a chart repository: it has no entries')
  }
  return Object.values(entries)
    .flatMap((versions: unknown) => (Array.isArray(versions) ? (versions as readonly unknown[]) : []))
    .map(readEntry)
}

function parse(text: string): unknown {
  try {
    // JSON is YAML, and much faster to read as what it is.
    return text.startsWith('{')
      ? (JSON.parse(text) as unknown)
      : load(text, { schema: CORE_SCHEMA, maxAliases: 100 })
  } catch (error) {
    throw new AppError('request-invalid', 'it is no index of a chart repository: it cannot be parsed', {
      cause: error,
    })
  }
}

function readEntry(entry: unknown): SourceEntry {
  const urls = fieldOf(entry, 'urls')
  const createdAt = readDate(fieldOf(entry, 'created'))
  const digest = readDigest(fieldOf(entry, 'digest'))
  return {
    name: textOf(fieldOf(entry, 'name')),
    version: textOf(fieldOf(entry, 'version')),
    urls: Array.isArray(urls) ? urls.map(textOf) : [],
    ...(createdAt && { createdAt }),
    ...(digest && { digest }),
  }
}

/** Go's zero time, which ChartMuseum writes for what it does not know, is no date of a chart. */
function readDate(value: unknown): Date | undefined {
  const date = new Date(textOf(value))
  return date.getTime() > 0 ? date : undefined
}

function readDigest(value: unknown): Digest | undefined {
  const hex = textOf(value).replace(/^sha256:/, '')
  return /^[0-9a-f]{64}$/.test(hex) ? parseDigest(hex) : undefined
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Readonly<Record<string, unknown>>)[name]
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
