import { buffer } from 'node:stream/consumers'
import { AppError } from '../../errors.ts'
import { CHART_YAML, type ChartMetadata, parseChartMetadata } from '../../chart/metadata.ts'
import { type ChartName, parseChartName } from '../../chart/name.ts'
import { type ChartVersion, parseChartVersion } from '../../chart/version.ts'
import { asciiOnly, quoted } from '../../text.ts'
import { compileFilters, type Filters } from '../filters.ts'
import { type IndexBatch, type IndexSummary, type RefusedEntry } from '../index-entries.ts'
import { readDate, upstreamEntry, type UpstreamEntry } from '../upstream-entry.ts'
import { upstreamInvalid } from '../upstream-error.ts'
import { findOciChart, openOciBlob } from './chart.ts'
import { type OciReference, type OciRepository, versionOfTag } from './reference.ts'
import { type Registry } from './registry.ts'
import { listTags } from './tags.ts'

export interface OciIndexReading {
  /** One per chart; the last segment is the chart's name. */
  readonly repositories: readonly OciRepository[]
  readonly filters: Filters
  /**
   * An entry of an earlier reading that still holds: asking for each version costs two requests, and registries count
   * them.
   */
  readonly known: (name: ChartName, version: ChartVersion) => UpstreamEntry | undefined
  readonly signal?: AbortSignal | undefined
}

interface Tagged {
  readonly name: ChartName
  readonly version: ChartVersion
  readonly tag: string
}

/** What `readUpstreamIndex` does for an index, from the tags and the manifests of a registry. */
export async function readOciIndex(
  registry: Registry,
  reading: OciIndexReading,
  onBatch: (batch: IndexBatch) => Promise<void> | void,
): Promise<IndexSummary> {
  const select = compileFilters(reading.filters)
  const count = { entries: 0, filtered: 0, refused: 0 }
  for (const repository of reading.repositories) {
    const name = parseChartName(repository.path.split('/').at(-1) ?? '')
    const tags = await listTags(registry, repository, reading.signal)
    if (tags === undefined) throw upstreamInvalid(`there is no ${quoted(repository.path)} in the registry`)
    const refused: RefusedEntry[] = []
    const tagged = tags.flatMap((tag) => readTag(name, tag) ?? [])
    const selected = select(tagged)
    const entries: UpstreamEntry[] = []
    for (const one of selected) {
      const entry = await readOne(registry, repository, one, reading)
      if ('reason' in entry) refused.push(entry)
      else entries.push(entry)
    }
    count.entries += entries.length
    count.filtered += tagged.length - selected.length
    count.refused += refused.length
    if (entries.length + refused.length > 0) await onBatch({ entries, refused })
  }
  return count
}

/** `undefined` for a tag that is no version, such as `latest` or a signature's: registries are full of them. */
function readTag(name: ChartName, tag: string): Tagged | undefined {
  try {
    return { name, version: parseChartVersion(versionOfTag(tag)), tag }
  } catch {
    // Not every tag means to be a version.
    return undefined
  }
}

async function readOne(
  registry: Registry,
  repository: OciRepository,
  { name, version, tag }: Tagged,
  { known, signal }: OciIndexReading,
): Promise<UpstreamEntry | RefusedEntry> {
  const earlier = known(name, version)
  if (earlier !== undefined) return earlier
  try {
    return await fetchEntry(registry, { ...repository, reference: tag }, { name, version }, signal)
  } catch (error) {
    const isAbout = error instanceof AppError && ['chart-invalid', 'upstream-invalid'].includes(error.code)
    if (!isAbout) throw error
    return { name, version: asciiOnly(version), reason: error.message }
  }
}

async function fetchEntry(
  registry: Registry,
  place: OciReference,
  { name, version }: Omit<Tagged, 'tag'>,
  signal: AbortSignal | undefined,
): Promise<UpstreamEntry> {
  const chart = await findOciChart(registry, place, signal)
  const limits = { maxBytes: CHART_YAML.maxLength, signal }
  const config = chart && (await openOciBlob(registry, place, chart.config, limits))
  if (chart === undefined || config === undefined)
    throw upstreamInvalid('it is in the list of tags, but not there')
  const metadata = parseChartMetadata((await buffer(config)).toString())
  requireSame(metadata, name, version)
  const { host } = new URL(place.origin)
  return upstreamEntry(metadata, {
    urls: [`oci://${host}/${place.path}:${place.reference}`],
    digest: chart.archive.digest,
    createdAt: readDate(chart.created),
  })
}

function requireSame(metadata: ChartMetadata, name: ChartName, version: ChartVersion): void {
  if (metadata.name === name && metadata.version === version) return
  throw upstreamInvalid(`it is ${quoted(metadata.name)} ${quoted(metadata.version)} inside`)
}
