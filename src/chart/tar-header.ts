import { quoted } from '../text.ts'
import { chartInvalid } from './invalid.ts'

export const TAR_BLOCK = 512

/** What comes after a header block: a member's content, or records about the next member. */
export interface TarHeader {
  readonly kind: 'file' | 'directory' | 'pax' | 'pax-global' | 'gnu-long-name'
  readonly size: number
}

/** Kinds of members, by POSIX's and GNU's type flags. */
const KIND_BY_FLAG: Readonly<Record<string, TarHeader['kind']>> = {
  '\0': 'file',
  '0': 'file',
  '5': 'directory',
  x: 'pax',
  g: 'pax-global',
  L: 'gnu-long-name',
}
const REFUSED_FLAGS: Readonly<Record<string, string>> = {
  '1': 'a hard link',
  '2': 'a symbolic link',
  '3': 'a character device',
  '4': 'a block device',
  '6': 'a named pipe',
  '7': 'a contiguous file',
}

/** The file type in a mode (`S_IFMT`). Go takes a member for a directory by these bits alone. */
const TYPE_BITS = 0o170000
const DIRECTORY_BITS = 0o040000
const FILE_BITS = 0o100000

/**
 * A header block as both tar-stream and Go's `archive/tar` (which Helm reads with) understand it. Where the two would
 * differ in a name, a size or a kind, it throws `chart-invalid`: the chart would be one here and another in Helm. The
 * checksum is left to tar-stream.
 */
export function parseTarHeader(block: Buffer): TarHeader {
  checkFormat(block)
  const kind = kindOf(block)
  const size = readOctal(block, 124, 12, 'size')
  if (kind === 'directory' && size > 0) throw invalidMember(block, 'is a directory with content')
  checkMode(block, kind)
  return { kind, size }
}

function checkFormat(block: Buffer): void {
  const magic = block.toString('latin1', 257, 265)
  // A star archive looks like ustar, but its prefix is shorter.
  const isUstar = magic === 'ustar\x0000' && block.toString('latin1', 508) !== 'tar\0'
  // GNU has other fields where ustar has the prefix; Go takes them for one when they are no numbers.
  const isGnu = magic === 'ustar  \0' && block.subarray(345).every((byte) => byte === 0)
  if (!isUstar && !isGnu) throw chartInvalid('the archive is not a tar of the ustar, pax or GNU format')
}

function kindOf(block: Buffer): TarHeader['kind'] {
  const flag = block.toString('latin1', 156, 157)
  const kind = KIND_BY_FLAG[flag]
  if (kind !== undefined) return kind
  throw invalidMember(block, `is ${REFUSED_FLAGS[flag] ?? `of the unknown type ${quoted(flag)}`}`)
}

function checkMode(block: Buffer, kind: TarHeader['kind']): void {
  const type = readOctal(block, 100, 8, 'mode') & TYPE_BITS
  const agrees = type === 0 || type === (kind === 'directory' ? DIRECTORY_BITS : FILE_BITS)
  if (!agrees) throw invalidMember(block, 'has a mode of another type')
}

/** Octal digits only: the limits on a chart leave no use for GNU's binary numbers, and readers differ on the rest. */
function readOctal(block: Buffer, offset: number, length: number, field: string): number {
  const text = block.toString('latin1', offset, offset + length)
  const digits = /^ *([0-7]*)[ \0]*$/.exec(text)?.[1]
  if (digits === undefined) throw invalidMember(block, `has a ${field} that is no octal number`)
  return Number(`0o0${digits}`)
}

function invalidMember(block: Buffer, problem: string): Error {
  const name = block.toString('utf8', 0, 100).replace(/\0.*$/s, '')
  return chartInvalid(`the archive's member ${quoted(name)} ${problem}`)
}
