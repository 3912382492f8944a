import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** Charts for tests: `chart` makes a sound one, `archive` any sequence of members, sound or hostile. */

export interface ChartSource {
  readonly name?: string
  readonly version?: string
  /** More fields of Chart.yaml. */
  readonly metadata?: Readonly<Record<string, unknown>>
  /** Replaces the whole Chart.yaml. */
  readonly chartYaml?: string | Buffer
  /** Contents by path below the chart's directory, beside Chart.yaml; by default a small template and its values. */
  readonly files?: Readonly<Record<string, string | Buffer>>
  /** The top directory; by default the chart's name. */
  readonly directory?: string
  /** Other times give other bytes of the same content. */
  readonly mtime?: Date
}

/** One member, written as it is said, whether that makes sense or not. */
export interface TarMember {
  /** Bytes stand in the header as they are; a text of more than 100 bytes goes into a pax header. */
  readonly name: string | Buffer
  readonly content?: string | Buffer
  /** The type flag of POSIX ustar: '0' (the default) is a file, '5' a directory, '2' a symbolic link, … */
  readonly type?: string
  readonly linkname?: string
  /** The size that the header claims; by default the content's. */
  readonly size?: number
  readonly mtime?: Date
  readonly mode?: number
  /** Records of a pax header before this member. */
  readonly pax?: Readonly<Record<string, string>>
}

export interface ArchiveOptions {
  /** The blocks of zeros at the end; two by POSIX. */
  readonly endBlocks?: number
  /** Bytes of tar after the end marker. */
  readonly afterEnd?: Buffer
  /** Bytes after the gzip member. */
  readonly afterGzip?: Buffer
}

const BLOCK = 512
const LONGEST_USTAR_NAME = 100
const SOME_TIME = new Date('2024-01-01T00:00:00Z')
const DEFAULT_FILES = {
  'values.yaml': 'greeting: hello\n',
  'templates/configmap.yaml':
    'apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}\ndata:\n  greeting: {{ .Values.greeting }}\n',
}

/** A valid archive; the same arguments give the same bytes. */
export async function chart(source: ChartSource = {}): Promise<Buffer> {
  const { name = 'demo', files = DEFAULT_FILES, mtime = SOME_TIME } = source
  const top = source.directory ?? name
  const contents = { 'Chart.yaml': source.chartYaml ?? chartYaml(source), ...files }
  const members = Object.entries(contents).map(([path, content]) => ({
    name: `${top}/${path}`,
    content,
    mtime,
  }))
  return archive(members)
}

/** The Chart.yaml that `chart` writes. */
export function chartYaml({ name = 'demo', version = '0.1.0', metadata = {} }: ChartSource = {}): string {
  const fields = { apiVersion: 'v2', name, version, ...metadata }
  return Object.entries(fields)
    .map(([field, value]) => `${field}: ${JSON.stringify(value)}\n`)
    .join('')
}

/** A gzipped tar of these members. */
export async function archive(members: readonly TarMember[], options: ArchiveOptions = {}): Promise<Buffer> {
  const compressed = await promisify(gzip)(tarball(members, options))
  return Buffer.concat([compressed, options.afterGzip ?? Buffer.alloc(0)])
}

/** The same without gzip. */
export function tarball(members: readonly TarMember[], options: ArchiveOptions = {}): Buffer {
  const end = Buffer.alloc((options.endBlocks ?? 2) * BLOCK)
  return Buffer.concat([...members.flatMap(memberBlocks), end, options.afterEnd ?? Buffer.alloc(0)])
}

/** One header block, with a right checksum. */
export function tarHeader(member: TarMember): Buffer {
  const { type = '0', linkname = '', size = bytes(member.content).length, mtime = SOME_TIME } = member
  const header = Buffer.alloc(BLOCK)
  bytes(member.name).copy(header, 0, 0, LONGEST_USTAR_NAME)
  header.write(octal(member.mode ?? (type === '5' ? 0o755 : 0o644), 7), 100)
  header.write(octal(0, 7), 108)
  header.write(octal(0, 7), 116)
  header.write(octal(size, 11), 124)
  header.write(octal(Math.floor(mtime.getTime() / 1000), 11), 136)
  header.write(type, 156, 'latin1')
  header.write(linkname, 157, LONGEST_USTAR_NAME)
  header.write('ustar\x0000', 257, 'latin1')
  return withChecksum(header)
}

/** The header with the checksum that its other bytes ask for (POSIX pax, "ustar Interchange Format"). */
export function withChecksum(header: Buffer): Buffer {
  const summed = Buffer.from(header)
  summed.fill(' ', 148, 156)
  const sum = summed.reduce((total, byte) => total + byte, 0)
  summed.write(`${octal(sum, 6)}\0 `, 148, 'latin1')
  return summed
}

function memberBlocks(member: TarMember): Buffer[] {
  const content = bytes(member.content)
  return [...paxBlocks(member), tarHeader(member), content, padding(content.length)]
}

function paxBlocks(member: TarMember): Buffer[] {
  const isLong = typeof member.name === 'string' && Buffer.byteLength(member.name) > LONGEST_USTAR_NAME
  const records = { ...(isLong && { path: member.name }), ...member.pax }
  if (Object.keys(records).length === 0) return []
  const content = Object.entries(records)
    .map(([key, value]) => paxRecord(key, value))
    .join('')
  return memberBlocks({ name: 'PaxHeaders/member', type: 'x', content })
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  const withoutCarry = Buffer.byteLength(rest) + String(Buffer.byteLength(rest)).length
  const length = Buffer.byteLength(rest) + String(withoutCarry).length
  return `${length}${rest}`
}

function padding(length: number): Buffer {
  return Buffer.alloc((BLOCK - (length % BLOCK)) % BLOCK)
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0')
}

function bytes(content: string | Buffer = ''): Buffer {
  return typeof content === 'string' ? Buffer.from(content) : content
}
