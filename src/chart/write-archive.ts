import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { pack } from 'tar-stream'
import { type ChartName } from './name.ts'

/** A file of a chart, by its path below the chart's directory. */
export interface ChartFile {
  readonly path: string
  readonly content: Buffer
}

/** The first day of MS-DOS: no tool finds it implausible, as GNU tar does 1970. */
const MTIME = new Date('1980-01-01T00:00:00Z')
/** What Helm gives every file. */
const MODE = 0o644

/** RFC 1952, section 2.3.1: zlib writes here for which system it was compiled; 255 is "unknown". */
const GZIP_OS_OFFSET = 9
const UNKNOWN_OS = 255

const SMALLEST = 9

/**
 * A packaged chart of these files, each there once. The same files give the same bytes, in any order and on any system,
 * as long as zlib is the same: time stamps, modes and owners are fixed.
 */
export async function writeChartArchive(top: ChartName, files: readonly ChartFile[]): Promise<Buffer> {
  const tar = pack()
  for (const { path, content } of files.toSorted(byPath)) {
    tar.entry({ name: `${top}/${path}`, mode: MODE, mtime: MTIME }, content)
  }
  tar.finalize()
  const archive = await promisify(gzip)(await readAll(tar), { level: SMALLEST })
  archive.writeUInt8(UNKNOWN_OS, GZIP_OS_OFFSET)
  return archive
}

async function readAll(tar: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = []
  // streamx types as unknown what it yields.
  for await (const chunk of tar as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function byPath(a: ChartFile, b: ChartFile): number {
  return Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))
}
