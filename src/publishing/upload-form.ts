import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { PROVENANCE_SUFFIX } from '../chart/filename.ts'
import { type ChartPackage } from './package-chart.ts'

/** A multipart/form-data body (RFC 7578) of known length, which can be sent again. */
export interface UploadForm {
  readonly contentType: string
  readonly length: number
  /** A new stream of the whole body; `onBytes` is told of every chunk that was taken. */
  readonly open: (onBytes: (count: number) => void) => Readable
}

const CHUNK_BYTES = 64 * 1024

/** The archive and, where there is one, its provenance file: the server takes both or neither. */
export function formOf({ filename, archive, provenance }: ChartPackage): UploadForm {
  const boundary = `chartroom-${randomUUID()}`
  const parts = [
    ...partOf(boundary, 'chart', filename, archive),
    ...(provenance ? partOf(boundary, 'prov', `${filename}${PROVENANCE_SUFFIX}`, provenance) : []),
    Buffer.from(`--${boundary}--\r\n`),
  ]
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    length: parts.reduce((sum, { length }) => sum + length, 0),
    open: (onBytes) => Readable.from(chunksOf(parts, onBytes), { objectMode: false }),
  }
}

function partOf(boundary: string, field: string, filename: string, content: Buffer): readonly Buffer[] {
  const head = [
    `--${boundary}`,
    `content-disposition: form-data; name="${field}"; filename="${filename}"`,
    'content-type: application/octet-stream',
  ]
  return [Buffer.from(`${head.join('\r\n')}\r\n\r\n`), content, Buffer.from('\r\n')]
}

function* chunksOf(parts: readonly Buffer[], onBytes: (count: number) => void): Generator<Buffer> {
  for (const part of parts) {
    for (let start = 0; start < part.length; start += CHUNK_BYTES) {
      const chunk = part.subarray(start, start + CHUNK_BYTES)
      yield chunk
      onBytes(chunk.length)
    }
  }
}
