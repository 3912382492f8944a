import { createHash } from 'node:crypto'
import { type Extract, type Header } from 'tar-stream'
import { quoted } from '../text.ts'
import { type MemberFile } from './content-digest.ts'
import { chartInvalid } from './invalid.ts'
import { type MemberNames } from './member-tree.ts'
import { CHART_YAML } from './metadata.ts'
import { REQUIREMENTS_YAML } from './requirements.ts'
import { VALUES_YAML } from './values.ts'

/** What is kept of the members; `texts` by the name below the chart's directory, for the files that are read. */
export interface Contents {
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

/** Reads a tar that `TarInspector` has seen, to its end. Throws `chart-invalid`. */
export async function readMembers(tar: Extract, members: MemberNames): Promise<Contents> {
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
