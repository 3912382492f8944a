import { quoted } from '../text.ts'
import { chartInvalid } from './invalid.ts'

/** `git archive` writes the commit's name so; anything else would apply to every member, or to none as in Go. */
const HARMLESS_GLOBAL_RECORD = 'comment'

/**
 * Checks the records of a pax header (POSIX pax, "pax Extended Header"): each as `<length> <key>=<value>\n`, and none
 * that tar-stream and Go's `archive/tar` read in two ways. Throws `chart-invalid`.
 */
export function checkPaxRecords(body: Buffer, scope: 'next-member' | 'all-members'): void {
  for (let start = 0; start < body.length;) {
    const end = start + recordLength(body, start)
    checkKey(recordKey(body, start, end), scope)
    start = end
  }
}

function recordLength(body: Buffer, start: number): number {
  // A length of more digits than these is longer than any body that gets here.
  const digits = /^([1-9][0-9]{0,8}) /.exec(body.toString('latin1', start, start + 10))?.[1]
  if (digits === undefined) throw malformed()
  return Number(digits)
}

function recordKey(body: Buffer, start: number, end: number): string {
  const keyStart = body.indexOf(' ', start) + 1
  const keyEnd = body.indexOf('=', keyStart)
  if (keyEnd <= keyStart || keyEnd >= end || body[end - 1] !== 0x0a) throw malformed()
  return body.toString('utf8', keyStart, keyEnd)
}

function checkKey(key: string, scope: 'next-member' | 'all-members'): void {
  if (scope === 'all-members' && key !== HARMLESS_GLOBAL_RECORD) {
    throw chartInvalid(`the archive has a pax record for all members: ${quoted(key)}`)
  }
  // No file of a chart is too large for the header's own size; GNU's records for sparse files rename them.
  if (key === 'size' || key.startsWith('GNU.sparse.')) {
    throw chartInvalid(`the archive has a pax record that is not allowed: ${quoted(key)}`)
  }
}

function malformed(): Error {
  return chartInvalid('the archive has a malformed pax header')
}
