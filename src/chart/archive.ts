import { createHash } from 'node:crypto'
import { type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createInflateRaw } from 'node:zlib'
import { type Extract, extract, type Header } from 'tar-stream'
import { AppError, isSystemError } from '../errors.ts'
import { quoted } from '../text.ts'
import { contentDigest, type MemberFile } from './content-digest.ts'
import { type Digest } from './digest.ts'
import { GzipMember, trailingBytes } from './gzip-member.ts'
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

/** What is kept of the members; `texts` by the name below the chart's directory, for the files that are read. */
interface Contents {
  readonly top: string
  readonly files: readonly MemberFile[]
  readonly texts: ReadonlyMap<string, string>
}

/** Helm's `MaxDecompressedFileSize`. */
const MAX_FILE_BYTES = 5 * 1024 * 1024

/** The files that are read, by name below the chart's directory, and how large they may be. */
const READ_FILES = new Map(
  [CHART_YAML, REQUIREMENTS_YAML, VALUES_YAML].map((file) => [file.name, file.maxLength]),
)

/** tar-stream takes a step for each chunk: larger ones than zlib's 16 KiB halve the time of a large archive. */
const INFLATE_CHUNK_BYTES = 256 * 1024

/** Reads to the end. Throws `chart-invalid`, or the source's own error. */
export async function readChartArchive(
  source: Readable,
  reading: ArchiveReading = 'strict',
): Promise<ChartArchive> {
  const { top, files, texts } = await readContents(source, reading)
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
    const contents = await readMembers(tar, reading === 'strict' ? new MemberTree() : new HelmMembers())
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

async function readMembers(tar: Extract, members: MemberNames): Promise<Contents> {
  const files = new Map<string, MemberFile>()
  const texts = new Map<string, string>()
  for await (const entry of tar) {
    // The inspector has let through no other type.
    const kind = entry.header.type === 'directory' ? 'directory' : 'file'
    const path = members.add(entry.header.name, kind)
    // streamx types as unknown what it yields.
    const content = entry as AsyncIterable<unknown> as AsyncIterable<Buffer>
    if (kind === 'file') files.set(path, await readFile(path, entry.header, content, texts))
  }
  if (members.top === undefined) throw chartInvalid('the archive is empty')
  return { top: members.top, files: [...files.values()], texts }
}

async function readFile(
  path: string,
  { size }: Header,
  content: AsyncIterable<Buffer>,
  texts: Map<string, string>,
): Promise<MemberFile> {
  const name = path.slice(path.indexOf('/') + 1)
  const isRead = READ_FILES.has(name)
  const maxBytes = READ_FILES.get(name) ?? MAX_FILE_BYTES
  if (size > maxBytes) {
    throw chartInvalid(`the archive's member ${quoted(path)} is larger than ${maxBytes} bytes`)
  }
  const hash = createHash('sha256')
  const kept: Buffer[] = []
  for await (const chunk of content) {
    hash.update(chunk)
    if (isRead) kept.push(chunk)
  }
  if (isRead) keepText(texts, name, decodeUtf8(path, Buffer.concat(kept)))
  return { path, size, sha256: hash.digest('hex') }
}

/** Helm reads a second `Chart.yaml` over the first, field by field: what comes of two that differ is neither. */
function keepText(texts: Map<string, string>, name: string, text: string): void {
  const known = texts.get(name)
  if (known !== undefined && known !== text && name !== VALUES_YAML.name) {
    throw chartInvalid(`the archive has two files ${name} that differ`)
  }
  texts.set(name, text)
}

function decodeUtf8(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw chartInvalid(`the archive's member ${quoted(path)} is not UTF-8`, error)
  }
}
