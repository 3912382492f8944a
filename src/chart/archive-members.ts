import { posix } from 'node:path'
import { type Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { extract, type Extract } from 'tar-stream'
import { AppError } from '../errors.ts'
import { MAX_UNPACKED_BYTES } from './tar-inspector.ts'
import { chartInvalid } from './invalid.ts'
import { type ChartFile } from './write-archive.ts'

export interface MemberSelection {
  /** Asked with each path below the chart's directory. */
  readonly wants: (path: string) => boolean
  /** Of all wanted ones together: what this may hold in memory. */
  readonly maxBytes: number
}

/**
 * The wanted files of an archive, in the order in which they stand. It is read as Helm's loader does (`LoadArchiveFiles`)
 * and not judged again: whatever was admitted to a repository can be read. Throws `too-large`, `chart-invalid` for what
 * no reader could make sense of, or the source's own error.
 */
export async function readArchiveMembers(
  source: Readable,
  selection: MemberSelection,
): Promise<readonly ChartFile[]> {
  const tar = extract()
  const feeding = pipeline(source, createGunzip(), limited, tar)
  try {
    const files = await select(tar, selection)
    await feeding
    return files
  } catch (error) {
    // A stage that waits for a slow source would wait on.
    source.destroy()
    const stageError = await feeding.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    const refusal = [error, stageError].find((reason) => reason instanceof AppError)
    throw refusal ?? source.errored ?? chartInvalid('the archive is damaged or cut off', stageError ?? error)
  }
}

/** Helm unpacks no more; whoever stored more did so by another way. */
async function* limited(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let unpacked = 0
  for await (const chunk of chunks) {
    unpacked += chunk.length
    if (unpacked >= MAX_UNPACKED_BYTES) throw chartInvalid('the archive unpacks to 100 MiB or more')
    yield chunk
  }
}

async function select(tar: Extract, { wants, maxBytes }: MemberSelection): Promise<readonly ChartFile[]> {
  const files = new Map<string, Buffer>()
  let bytes = 0
  for await (const entry of tar) {
    const path = pathBelowChart(entry.header.name)
    if (entry.header.type !== 'file' || !wants(path)) {
      entry.resume()
      continue
    }
    bytes += entry.header.size
    if (bytes > maxBytes)
      throw new AppError('too-large', `these files are larger than ${maxBytes} bytes together`)
    const chunks: Buffer[] = []
    // streamx types as unknown what it yields.
    for await (const chunk of entry as AsyncIterable<unknown> as AsyncIterable<Buffer>) chunks.push(chunk)
    // Of two members with one name Helm takes the last.
    files.set(path, Buffer.concat(chunks))
  }
  return Array.from(files, ([path, content]) => ({ path, content }))
}

/** Without its first element, which is the chart's directory whatever it is called. A backslash separates as well, for Helm. */
function pathBelowChart(name: string): string {
  const [, ...rest] = name.split(name.includes('\\') ? '\\' : '/')
  return posix.normalize(rest.join('/'))
}
