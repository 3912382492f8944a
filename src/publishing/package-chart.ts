import { readFile, stat } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { type ChartArchive, readChartArchive } from '../chart/archive.ts'
import { type Digest, parseDigest } from '../chart/digest.ts'
import { archiveFilename, type ArchiveFilename, PROVENANCE_SUFFIX } from '../chart/filename.ts'
import { chartInvalid } from '../chart/invalid.ts'
import { CHART_YAML, type ChartMetadata, parseChartMetadata } from '../chart/metadata.ts'
import { parseChartVersion } from '../chart/version.ts'
import { type ChartFile, writeChartArchive } from '../chart/write-archive.ts'
import { AppError, isSystemError } from '../errors.ts'
import { MOST_PROVENANCE_BYTES } from '../provenance/message.ts'
import { renderMetadata } from '../provenance/render-metadata.ts'
import { quoted } from '../text.ts'
import { readChartDirectory } from './chart-directory.ts'
import { asHelmLoads, findMissing } from './subcharts.ts'

/** A chart as it is sent: what has been checked is what goes over the wire, also on a retry. */
export interface ChartPackage {
  readonly filename: ArchiveFilename
  readonly metadata: ChartMetadata
  readonly archive: Buffer
  readonly digest: Digest
  readonly provenance?: Buffer
}

export interface PackageOptions {
  /** For a chart directory: instead of those in its Chart.yaml. */
  readonly version?: string
  readonly appVersion?: string
  /** For a packaged chart: the `.prov` beside it where there is one, none, or this file. */
  readonly provenance: 'beside' | 'none' | { readonly file: string }
}

/** No archive that unpacks to less than 100 MiB is larger. */
const LARGEST_ARCHIVE = 100 * 1024 * 1024

/** A packaged chart with its provenance file, or a chart directory, packaged. Throws `chart-invalid` or `request-invalid`. */
export async function openChart(path: string, options: PackageOptions): Promise<ChartPackage> {
  const stats = await stat(path).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  return stats.isDirectory() ? packageChart(path, options) : openPackaged(path, options)
}

/** The same files give the same bytes. `Chart.yaml` stays as it is unless another version is asked for. */
export async function packageChart(directory: string, options: PackageOptions): Promise<ChartPackage> {
  if (typeof options.provenance === 'object') {
    throw new AppError(
      'request-invalid',
      'a provenance file is for a packaged chart, and this is a directory',
    )
  }
  const found = asHelmLoads(await readChartDirectory(directory))
  const chartYaml = found.find(({ path }) => path === CHART_YAML.name)
  if (chartYaml === undefined) throw chartInvalid(`this is no chart: it has no ${CHART_YAML.name}`)
  const text = new TextDecoder().decode(chartYaml.content)
  const metadata = withVersions(parseChartMetadata(text), options)
  const files = found.map((file) => (file === chartYaml ? rewritten(chartYaml, metadata, options) : file))
  const archive = await writeChartArchive(metadata.name, files)
  const checked = await checkedArchive(archive)
  requireDependencies(checked, files)
  return describe(archive, checked)
}

async function openPackaged(path: string, options: PackageOptions): Promise<ChartPackage> {
  if (options.version !== undefined || options.appVersion !== undefined) {
    throw new AppError(
      'request-invalid',
      'another version is for a chart directory: this is packaged, and a changed one would be another archive',
    )
  }
  const archive = await readSmallFile(path, LARGEST_ARCHIVE)
  const chart = describe(archive, await checkedArchive(archive))
  const provenance = await readProvenance(path, options.provenance)
  return { ...chart, ...(provenance && { provenance }) }
}

function withVersions(metadata: ChartMetadata, { version, appVersion }: PackageOptions): ChartMetadata {
  return {
    ...metadata,
    ...(version !== undefined && { version: parseChartVersion(version) }),
    ...(appVersion !== undefined && { appVersion }),
  }
}

/** As `helm package --version` does: written anew, without comments and fields that Helm does not know. */
function rewritten(
  chartYaml: ChartFile,
  metadata: ChartMetadata,
  { version, appVersion }: PackageOptions,
): ChartFile {
  if (version === undefined && appVersion === undefined) return chartYaml
  return { ...chartYaml, content: Buffer.from(renderMetadata(metadata)) }
}

/** As the server will read it. */
async function checkedArchive(archive: Buffer): Promise<ChartArchive> {
  return readChartArchive(Readable.from([archive]))
}

function requireDependencies({ metadata }: ChartArchive, files: readonly ChartFile[]): void {
  const names = (metadata.dependencies ?? []).map(({ name }) => name)
  const missing = findMissing(names, files)
  if (missing.length === 0) return
  throw chartInvalid(
    `dependencies are missing in charts/: ${missing.map(quoted).join(', ')}; "helm dependency build" gets them`,
  )
}

function describe(archive: Buffer, { metadata }: ChartArchive): ChartPackage {
  return {
    filename: archiveFilename(metadata.name, metadata.version),
    metadata,
    archive,
    digest: parseDigest(createHash('sha256').update(archive).digest('hex')),
  }
}

async function readProvenance(
  path: string,
  wanted: PackageOptions['provenance'],
): Promise<Buffer | undefined> {
  if (wanted === 'none') return undefined
  if (typeof wanted === 'object') return readSmallFile(wanted.file, MOST_PROVENANCE_BYTES)
  try {
    return await readSmallFile(`${path}${PROVENANCE_SUFFIX}`, MOST_PROVENANCE_BYTES)
  } catch (error) {
    if (error instanceof AppError && isSystemError(error.cause, 'ENOENT')) return undefined
    throw error
  }
}

async function readSmallFile(path: string, maxBytes: number): Promise<Buffer> {
  try {
    const { size } = await stat(path)
    if (size > maxBytes) throw new AppError('too-large', `${path} is larger than ${maxBytes} bytes`)
    return await readFile(path)
  } catch (error) {
    throw error instanceof AppError ? error : unreadable(path, error)
  }
}

function unreadable(path: string, cause: unknown): AppError {
  const why = isSystemError(cause, 'ENOENT') ? 'does not exist' : 'cannot be read'
  return new AppError('request-invalid', `${path} ${why}`, { cause })
}
