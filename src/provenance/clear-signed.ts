import { AppError } from '../errors.ts'
import { armor, unarmor } from './armor.ts'

/**
 * The framing of a clear-signed message (RFC 9580, section 7), read the way Helm's `clearsign.Decode` reads it. What
 * two readers may take differently is refused, so that nobody can have one text checked here and another one used.
 */
export interface ClearSigned {
  /** What is signed: lines joined by `\n`, without escapes and trailing blanks. */
  readonly text: string
  /** The same as it stood in the file, byte for byte, with its last line end. */
  readonly escapedText: string
  /** The signature packets. */
  readonly signatures: Buffer
}

const BEGIN_MESSAGE = '-----BEGIN PGP SIGNED MESSAGE-----'
const SIGNATURE_LABEL = 'PGP SIGNATURE'
const BEGIN_SIGNATURE = `-----BEGIN ${SIGNATURE_LABEL}-----`
const END_SIGNATURE = `-----END ${SIGNATURE_LABEL}-----`

/**
 * Helm 3 knows no other header, `SaltedHash` included, and Helm 4.2 no other names. Whether they are those of the
 * signatures is of no consequence to any Helm.
 */
const HASH_NAME = '(?:MD5|SHA1|RIPEMD160|SHA224|SHA256|SHA384|SHA512|SHA3-256|SHA3-512)'
const HASH_HEADER = new RegExp(`^Hash: *${HASH_NAME}(?: *, *${HASH_NAME})* *$`)

/** Not in YAML; a carriage return is one unless it belongs to a line end. */
const CONTROL_CHARACTER = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]|\r(?!\n)/

/** The first block in the file, like Helm; what stands around it is left out. Throws `provenance-invalid`. */
export function parseClearSigned(file: string): ClearSigned {
  const block = afterFirstLine(file, BEGIN_MESSAGE)
  const textStart = skipHeaders(block)
  const signatureStart = findLine(block, BEGIN_SIGNATURE, textStart)
  if (signatureStart === undefined) throw invalid('has no signature')

  const escapedText = block.slice(textStart, signatureStart)
  if (CONTROL_CHARACTER.test(escapedText)) throw invalid('holds a control character')
  const escapedLines = linesOf(escapedText)
  if (escapedLines.some((line) => /^-(?! )/.test(line))) {
    throw invalid('has a line that begins with an unescaped dash')
  }
  const lines = escapedLines.map((line) => withoutTrailingBlanks(line.replace(/^- /, '')))
  return { text: lines.join('\n'), escapedText, signatures: readSignatureBlock(block.slice(signatureStart)) }
}

/** The text as it is signed: trailing blanks do not count. */
export function signedText(text: string): string {
  return text.split('\n').map(withoutTrailingBlanks).join('\n')
}

/** The text as it stands in a file, with a last line end (RFC 9580, section 7.1). */
export function escapeText(text: string): string {
  const lines = text.split('\n').map((line) => (line.startsWith('-') ? `- ${line}` : line))
  return `${lines.join('\n')}\n`
}

/** The file as Helm writes it: line ends are LF, and there is none at its end. */
export function renderClearSigned(
  escapedText: string,
  hashes: readonly string[],
  signatures: Uint8Array,
): string {
  return `${BEGIN_MESSAGE}\nHash: ${hashes.join(', ')}\n\n${escapedText}${armor(SIGNATURE_LABEL, signatures)}`
}

/** What follows the first line that begins so; Helm gives up when that line goes on. */
function afterFirstLine(file: string, begin: string): string {
  const start = file.startsWith(begin) ? 0 : file.indexOf(`\n${begin}`) + 1
  const end = file.indexOf('\n', start)
  if (end < 0 || withoutReturn(file.slice(start, end)) !== begin) throw invalid('has no clear-signed block')
  return file.slice(end + 1)
}

/** Where the text starts: after the empty line that ends the headers. */
function skipHeaders(block: string): number {
  let start = 0
  for (;;) {
    const end = block.indexOf('\n', start)
    if (end < 0) throw invalid('has no text in its clear-signed block')
    const line = withoutReturn(block.slice(start, end))
    start = end + 1
    if (line === '') return start
    if (!HASH_HEADER.test(line))
      throw invalid('has a header with which not every Helm finds it: only Hash may stand there')
  }
}

/** Where the line starts, at or after the line start `from`. */
function findLine(text: string, line: string, from: number): number | undefined {
  for (let start = from; start < text.length;) {
    const end = text.indexOf('\n', start)
    if (end < 0) return undefined
    if (withoutReturn(text.slice(start, end)) === line) return start
    start = end + 1
  }
  return undefined
}

function readSignatureBlock(block: string): Buffer {
  const lines = linesOf(block)
  const end = lines.indexOf(END_SIGNATURE)
  const bytes = end < 0 ? undefined : unarmor(lines.slice(0, end + 1))
  if (bytes === undefined) throw invalid('has a damaged signature block')
  if (bytes.length === 0) throw invalid('has no signature')
  return bytes
}

/** The lines of a text that ends with a line end, or of its last line without one. */
function linesOf(text: string): string[] {
  const lines = text.split('\n').map(withoutReturn)
  if (lines.at(-1) === '') lines.pop()
  return lines
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

function withoutTrailingBlanks(line: string): string {
  let end = line.length
  while (end > 0 && (line[end - 1] === ' ' || line[end - 1] === '\t')) end--
  return line.slice(0, end)
}

function invalid(what: string): AppError {
  return new AppError('provenance-invalid', `the provenance file ${what}`)
}
