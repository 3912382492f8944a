import { SCALAR_STYLE, dump, visit, type Document, type MappingNode } from 'js-yaml'
import { type ChartMetadata } from '../chart/metadata.ts'

/**
 * Plain text that is a string in every YAML: words that begin with a letter, and versions of three numbers. All else
 * is quoted; a quoted text also stays on its line, so that no line of it can be mistaken for a section's end.
 */
const PLAIN_WORDS = /^[A-Za-z](?:[A-Za-z0-9_./+@()=,;^?&%~!'-]|:(?=\S)| (?=[A-Za-z0-9(]))*$/
const PLAIN_VERSION = /^v?[0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.+-]*$/
const RESERVED_WORD = /^(?:y|n|yes|no|on|off|true|false|null|nan|inf|infinity)$/i

/** In characters, of four bytes at most: GnuPG cuts lines at 20,000 bytes (g10/textfilter.c). */
const LONGEST_LINE = 4000
/** A longer one is quoted, because only a quoted text can be folded anywhere. */
const LONGEST_PLAIN_TEXT = 2000

const STRING_TAG = 'tag:yaml.org,2002:str'

/** The way Helm writes it: keys sorted, lists not indented, ending with a line end. */
export function renderMetadata(metadata: ChartMetadata): string {
  const yaml = dump(metadata, { lineWidth: -1, noRefs: true, seqNoIndent: true, transform: writeLikeHelm })
  return yaml.split('\n').map(foldLine).join('\n')
}

function writeLikeHelm(documents: Document[]): void {
  visit(documents, (node) => {
    if (node.kind === 'mapping') sortByKey(node)
    const isText = node.kind === 'scalar' && node.tag === STRING_TAG
    if (isText && !isPlain(node.value)) node.style = SCALAR_STYLE.DOUBLE_QUOTED
  })
}

function isPlain(text: string): boolean {
  if (text.length > LONGEST_PLAIN_TEXT) return false
  return PLAIN_VERSION.test(text) || (PLAIN_WORDS.test(text) && !RESERVED_WORD.test(text))
}

function sortByKey({ items }: MappingNode): void {
  const keyOf = (item: (typeof items)[number]) => (item.key.kind === 'scalar' ? item.key.value : '')
  items.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

/** The characters of a quoted text as they are written, escapes whole. */
const WRITTEN_CHARACTERS = /(?:\\x[0-9A-F]{2}|\\u[0-9A-F]{4}|\\U[0-9A-F]{8}|\\.|[^\\]){1,4000}/gu

/** Only a quoted text makes a line so long; it goes on below after a backslash (YAML 1.2, section 7.3.1). */
function foldLine(line: string): string {
  if (line.length <= LONGEST_LINE) return line
  const indent = ' '.repeat(line.search(/\S/) + 2)
  const [first = '', ...others] = line.match(WRITTEN_CHARACTERS) ?? []
  return [first, ...others.map((part) => `${indent}${part.replace(/^ /, '\\ ')}`)].join('\\\n')
}
