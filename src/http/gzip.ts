import { Readable } from 'node:stream'
import { createGzip } from 'node:zlib'

/** The fastest level: level 6 takes three times as long for a tenth less. */
const LEVEL = 1

const compressed = new WeakMap<object, Promise<readonly Buffer[]>>()

/** The source's bytes compressed, once for as long as the source is kept. */
export function gzipped(source: { toBuffers(): readonly Buffer[] }): Promise<readonly Buffer[]> {
  const known = compressed.get(source)
  if (known !== undefined) return known
  const compressing = compress(source.toBuffers())
  compressed.set(source, compressing)
  return compressing
}

/** Whether `Accept-Encoding` names gzip, or everything, with a weight above 0 (RFC 9110, section 12.5.3). */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  const codings = new Map(
    [header ?? []]
      .flat()
      .join(',')
      .split(',')
      .map((item) => {
        const [coding = '', ...parameters] = item
          .trim()
          .toLowerCase()
          .split(/\s*;\s*/)
        const weight = parameters.find((parameter) => parameter.startsWith('q='))
        return [coding, weight === undefined ? 1 : Number(weight.slice(2))]
      }),
  )
  return (codings.get('gzip') ?? codings.get('*') ?? 0) > 0
}

async function compress(buffers: readonly Buffer[]): Promise<readonly Buffer[]> {
  const parts: Buffer[] = []
  const gzip = Readable.from(buffers).pipe(createGzip({ level: LEVEL, chunkSize: 512 * 1024 }))
  for await (const part of gzip as AsyncIterable<Buffer>) parts.push(part)
  return parts
}
