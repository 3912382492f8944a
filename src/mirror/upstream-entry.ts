import { type Digest, parseDigest } from '../chart/digest.ts'
import { type ArchiveFilename, archiveFilename } from '../chart/filename.ts'
import { chartInvalid } from '../chart/invalid.ts'
import { type ChartMetadata, readChartMetadata } from '../chart/metadata.ts'
import { type ChartName } from '../chart/name.ts'
import { type ChartVersion, versionSortKey } from '../chart/version.ts'
import { type Fields, readLines, readText } from '../chart/yaml-fields.ts'
import { jsonForYaml } from '../repoindex/entry.ts'
import { quoted } from '../text.ts'

/** A version that an upstream's index names, as the mirror's own index would name it. */
export interface UpstreamEntry {
  readonly name: ChartName
  readonly version: ChartVersion
  readonly sortKey: string
  readonly filename: ArchiveFilename
  /** Of the archive, as the index says. */
  readonly digest: Digest | undefined
  readonly createdAt: Date | undefined
  /** Absolute, `https:`, `http:` or `oci:`; at least one, of which the first counts, as in Helm. */
  readonly urls: readonly string[]
  /** Its entry in our index: the upstream's metadata, `created` and `digest`, with our URL. */
  readonly fragment: string
}

/** Limits of ours: what other indexes have is one URL of some hundred characters. */
const MOST_URLS = 10
const LONGEST_URL = 2048

/** Real ones have some kilobytes, but icons can stand in them as `data:` URLs. */
const LONGEST_FRAGMENT_BYTES = 256 * 1024

/** One entry below the name it stands under. `base` is the URL of the index. Throws `chart-invalid`. */
export function readUpstreamEntry(fields: Fields, under: string, base: URL): UpstreamEntry {
  const metadata = readChartMetadata(fields)
  if (metadata.name !== under)
    throw chartInvalid(`it stands under ${quoted(under)}, and is named ${quoted(metadata.name)}`)
  const urls = (readLines(fields, 'urls') ?? []).slice(0, MOST_URLS).map((text) => absoluteUrl(text, base))
  if (urls.length === 0) throw chartInvalid('the index names no URL for it')
  return upstreamEntry(metadata, {
    urls,
    digest: readDigest(readText(fields, 'digest')),
    createdAt: readDate(readText(fields, 'created')),
  })
}

/** Throws `chart-invalid` for more metadata than an entry may have. */
export function upstreamEntry(
  metadata: ChartMetadata,
  about: Pick<UpstreamEntry, 'urls' | 'digest' | 'createdAt'>,
): UpstreamEntry {
  const { name, version } = metadata
  const { digest, createdAt } = about
  const filename = archiveFilename(name, version)
  const fragment = jsonForYaml({
    ...metadata,
    urls: [`charts/${filename}`],
    created: createdAt?.toISOString(),
    digest,
  })
  if (Buffer.byteLength(fragment) > LONGEST_FRAGMENT_BYTES)
    throw chartInvalid(`its entry is larger than ${LONGEST_FRAGMENT_BYTES} bytes`)
  return { name, version, sortKey: versionSortKey(version), filename, fragment, ...about }
}

/**
 * As Helm resolves it (`repo.ResolveReferenceURL`): relative to the folder of the index. A colon in a relative path is
 * no scheme (`charts/a:1.tgz`).
 */
function absoluteUrl(text: string, base: URL): string {
  const relative = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) || text.startsWith('/') ? text : `./${text}`
  const url = URL.canParse(relative, base.href) ? new URL(relative, base) : undefined
  if (url === undefined || url.href.length > LONGEST_URL || !/^(?:https?|oci):$/.test(url.protocol))
    throw chartInvalid(`its URL ${quoted(text)} is none that can be asked`)
  return url.href
}

/** With or without its algorithm. Of another algorithm it says nothing here. */
function readDigest(text = ''): Digest | undefined {
  const hex = text.replace(/^sha256:/i, '').toLowerCase()
  return /^[0-9a-f]{64}$/.test(hex) ? parseDigest(hex) : undefined
}

/** Go's zero time, which ChartMuseum writes for what it does not know, is no date of a chart. */
export function readDate(text = ''): Date | undefined {
  const date = new Date(text)
  return date.getTime() > 0 ? date : undefined
}
