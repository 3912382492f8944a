import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'
import { type Extract, extract } from 'tar-stream'
import { AppError, isSystemError } from '../errors.ts'
import { quoted } from '../text.ts'
import { type Contents, readMembers } from './archive-contents.ts'
import { contentDigest } from './content-digest.ts'
import { type Digest } from './digest.ts'
import { GzipMember, inflateMember, trailingBytes } from './gzip-member.ts'
import { HelmMembers } from './helm-members.ts'
import { chartInvalid } from './invalid.ts'
import { type MemberNames, MemberTree } from './member-tree.ts'
import { CHART_YAML, type ChartMetadata, parseChartMetadata } from './metadata.ts'
import { REQUIREMENTS_YAML, withRequirements } from './requirements.ts'
import { TarInspector } from './tar-inspector.ts'
import { checkValues, VALUES_YAML } from './values.ts'

/**
 * `strict`: what is accepted from a publisher. `lenient`: what Helm loads although its members are in disorder, for the
 * archives of a repository that is moved here: several tops or another than the chart's name, `./`, members that are
 * there twice (the later one counts, as in Helm). The framing, the limits and the metadata are the same for both.
 */
export type ArchiveReading = 'strict' | 'lenient'

/** What a valid archive says, without its bulk. */
export interface ChartArchive {
  readonly metadata: ChartMetadata
  /**
   * SHA-256 over the members' names, sizes and contents in order of name: the same for two archives of the same
   * files, whatever their time stamps, modes, order and compression.
   */
  readonly contentDigest: Digest
}

/** tar-stream takes a step for each chunk: larger ones than zlib's 16 KiB halve the time of a large archive. */
const INFLATE_CHUNK_BYTES = 256 * 1024

/** Reads to the end. Throws `chart-invalid`, or the source's own error. */
export async function readChartArchive(
  source: Readable,
  reading: ArchiveReading = 'strict',
): Promise<ChartArchive> {
  return judge(await readContents(source, reading), reading)
}

/**
 * The same of an archive that stands in memory, for less work where it unpacks to `maxUnpackedBytes` at most. That way
 * only takes what is in order: the other one says what is wrong.
 */
export async function readSmallChartArchive(
  bytes: Buffer,
  maxUnpackedBytes: number,
  reading: ArchiveReading = 'strict',
): Promise<ChartArchive> {
  const contents = await readAtOnce(bytes, maxUnpackedBytes, reading).catch(() => undefined)
  return contents === undefined ? readChartArchive(Readable.from([bytes]), reading) : judge(contents, reading)
}

function judge({ top, files, texts }: Contents, reading: ArchiveReading): ChartArchive {
  const chartYaml = texts.get(CHART_YAML.name)
  if (chartYaml === undefined) throw chartInvalid(`the archive has no ${quoted(`${top}/Chart.yaml`)}`)
  const metadata = parseChartMetadata(chartYaml)
  if (reading === 'strict' && metadata.name !== top) {
    throw chartInvalid(
      `the archive's directory is ${quoted(top)}, and must be ${quoted(metadata.name)} as the chart`,
    )
  }
  checkValues(texts.get(VALUES_YAML.name) ?? '')
  return {
    metadata: withRequirements(metadata, texts.get(REQUIREMENTS_YAML.name) ?? ''),
    // Below the chart's name, so that the same files packaged in order are the same content.
    contentDigest: contentDigest(
      files.map((file) => ({ ...file, path: `${metadata.name}${file.path.slice(top.length)}` })),
    ),
  }
}

/**
 * The stages run by themselves and the reader pulls from the last one, so that its refusal comes out and not the
 * premature close that it causes in the stages.
 */
async function readContents(source: Readable, reading: ArchiveReading): Promise<Contents> {
  const tar = extract()
  const feeding = feed(source, tar)
  try {
    const contents = await readMembers(tar, namesFor(reading))
    await feeding
    return contents
  } catch (error) {
    // A stage that waits for a slow source would wait on.
    source.destroy()
    const stageError = await feeding.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    throw theCause(source, error, stageError)
  }
}

async function readAtOnce(
  bytes: Buffer,
  maxUnpackedBytes: number,
  reading: ArchiveReading,
): Promise<Contents | undefined> {
  const unpacked = await inflateMember(bytes, maxUnpackedBytes)
  if (unpacked === undefined) return undefined
  const inspector = new TarInspector()
  inspector.inspect(unpacked)
  inspector.finish()
  const tar = extract()
  tar.end(unpacked)
  return readMembers(tar, namesFor(reading))
}

function namesFor(reading: ArchiveReading): MemberNames {
  return reading === 'strict' ? new MemberTree() : new HelmMembers()
}

async function feed(source: Readable, tar: Extract): Promise<void> {
  const gzip = new GzipMember()
  const inflate = createInflateRaw({ chunkSize: INFLATE_CHUNK_BYTES })
  try {
    await pipeline(
      gzip.deflated(source),
      inflate,
      (chunks: AsyncIterable<Buffer>) => new TarInspector().inspected(gzip.inflated(chunks)),
      tar,
    )
  } catch (error) {
    // Node closes an inflate that has come to its stream's end, though more is written to it.
    const isClosedAtEnd = inflate.readableEnded && isSystemError(error, 'ERR_STREAM_PREMATURE_CLOSE')
    throw isClosedAtEnd ? trailingBytes(error) : error
  }
  gzip.finish(inflate.bytesWritten)
}

/** Why it failed: a refusal of the reader's or a stage's, else the source's error, else what zlib or tar-stream said. */
function theCause(source: Readable, readerError: unknown, stageError: unknown): Error {
  const refusal = [readerError, stageError].find((error) => error instanceof AppError)
  if (refusal !== undefined) return refusal
  return source.errored ?? chartInvalid('the archive is damaged or cut off', readerError)
}
