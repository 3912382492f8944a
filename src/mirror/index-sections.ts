/**
 * Cuts an index in YAML into one text per chart, so that 100 MB of it are never parsed at once: in the form that Helm
 * writes, each chart's name stands alone on a line of one depth. `undefined` for any other form, which is parsed whole.
 */
export function indexSections(bytes: Buffer): readonly Buffer[] | undefined {
  const start = startOfEntries(bytes)
  const indent = start === undefined ? 0 : indentAt(bytes, start)
  if (start === undefined || indent === 0) return undefined
  const starts: number[] = []
  for (let place = start, end = start; place < bytes.length; place = end + 1) {
    end = endOfLine(bytes, place)
    const depth = indentAt(bytes, place)
    const first = bytes[place + depth]
    if (depth > indent || first === undefined || NO_CONTENT.has(first)) continue
    if (depth < indent) return isPlainTail(bytes, place) ? cut(bytes, starts, place) : undefined
    if (first === DASH) continue
    if (!CHART_LINE.test(bytes.toString('latin1', place, end))) return undefined
    starts.push(place)
  }
  return cut(bytes, starts, bytes.length)
}

const NEWLINE = 0x0a
const BLANK = 0x20
/** An empty line or a comment begins so. */
const NO_CONTENT = new Set([NEWLINE, 0x0d, 0x23])
const DASH = 0x2d
const CHART_LINE = /^ +["']?[A-Za-z0-9._-]+["']?: *\r?$/
/** What Helm writes behind the entries; anything with contents of its own could refer to anchors. */
const TOP_LINE = /^[A-Za-z]+:(?: ["']?[A-Za-z0-9:.+_-]*["']?)? *\r?$/
const ENTRIES_LINE = /^entries: *\r?\n/m
/** `entries` comes behind two or three short lines, or is not where Helm writes it. */
const HEAD_BYTES = 4096

function startOfEntries(bytes: Buffer): number | undefined {
  const head = bytes.toString('latin1', 0, HEAD_BYTES)
  const match = ENTRIES_LINE.exec(head)
  const lines = head.slice(0, match?.index ?? 0).split('\n')
  const isPlain = lines.every((line) => line.trim() === '' || line.startsWith('#') || TOP_LINE.test(line))
  return match === null || !isPlain ? undefined : match.index + match[0].length
}

/** Whether the rest is keys and plain values only, so that nothing behind the entries is lost in the cut. */
function isPlainTail(bytes: Buffer, place: number): boolean {
  const rest = bytes.subarray(place, place + HEAD_BYTES + 1)
  const lines = rest.toString('latin1').trimEnd().split('\n')
  return rest.length <= HEAD_BYTES && lines.every((line) => TOP_LINE.test(line))
}

function cut(bytes: Buffer, starts: readonly number[], end: number): readonly Buffer[] {
  return starts.map((start, place) => bytes.subarray(start, starts[place + 1] ?? end))
}

function indentAt(bytes: Buffer, place: number): number {
  let depth = 0
  while (bytes[place + depth] === BLANK) depth += 1
  return depth
}

function endOfLine(bytes: Buffer, place: number): number {
  const end = bytes.indexOf(NEWLINE, place)
  return end === -1 ? bytes.length : end
}
