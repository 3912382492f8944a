import { type IncomingHttpHeaders } from 'node:http'
import { type FileRange } from './reply.ts'

const SINGLE_RANGE = /^bytes=(\d*)-(\d*)$/

/**
 * The one range of bytes that a request asks for (RFC 9110, section 14). `undefined` when the whole is to be sent: no
 * `Range`, several of them, another unit, or an `If-Range` that does not name what we have.
 */
export function selectRange(
  headers: IncomingHttpHeaders,
  size: number,
  etag: string | undefined,
): FileRange | 'unsatisfiable' | undefined {
  const condition = headers['if-range']
  if (condition !== undefined && condition !== etag) return undefined
  const [, first = '', last = ''] = SINGLE_RANGE.exec(headers.range ?? '') ?? []
  if (first === '') return last === '' ? undefined : lastBytes(Number(last), size)
  return bytesFrom(Number(first), last === '' ? Infinity : Number(last), size)
}

function bytesFrom(start: number, end: number, size: number): FileRange | 'unsatisfiable' | undefined {
  if (end < start) return undefined
  return start < size ? { start, end: Math.min(end, size - 1) } : 'unsatisfiable'
}

function lastBytes(count: number, size: number): FileRange | 'unsatisfiable' {
  return count === 0 || size === 0 ? 'unsatisfiable' : { start: Math.max(0, size - count), end: size - 1 }
}
