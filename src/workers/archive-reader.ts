import { availableParallelism } from 'node:os'
import { extname } from 'node:path'
import { type StagedBlob } from '../blobs/blob-store.ts'
import { type ArchiveReading, type ChartArchive, readSmallChartArchive } from '../chart/archive.ts'
import { type ReadJob } from './jobs.ts'
import { ThreadPool } from './thread-pool.ts'

/**
 * What is read without a thread, packed and unpacked: most charts. Handing one over and back costs more than its reading
 * keeps this thread, which is some milliseconds in many short pieces.
 */
const SMALL_PACKED_BYTES = 64 * 1024
const SMALL_UNPACKED_BYTES = 256 * 1024

/** More than these wait for the disk and not for a processor. */
const MOST_THREADS = 4
/** What waits is staged on disk, or small. */
const MOST_WAITING = 256
/** js-yaml needs up to 180 times a text's size, and the largest text has 1 MiB (`chart/values.ts`). */
const HEAP_MIB = 512

/** As it is called beside this file: `thread.ts`, or `thread.js` where it was built. */
const SCRIPT = new URL(`thread${extname(import.meta.filename)}`, import.meta.url)

/** Reads archives, large ones in threads of their own: 100 MiB unpacked hold up nobody whom this process serves. */
export class ArchiveReader {
  readonly #pool: ThreadPool<ReadJob>

  constructor({ mostThreads = Math.min(MOST_THREADS, availableParallelism()) } = {}) {
    const limits = { heapMiB: HEAP_MIB }
    this.#pool = new ThreadPool({ script: SCRIPT, mostThreads, mostWaiting: MOST_WAITING, limits })
  }

  /**
   * As `readChartArchive`, and rejects as `ThreadPool.run`. One large archive for each thread stands whole in memory, and
   * none that waits.
   */
  async read(archive: Pick<StagedBlob, 'open' | 'size'>, reading: ArchiveReading): Promise<ChartArchive> {
    if (archive.size > SMALL_PACKED_BYTES) return this.#readInThread(() => readAll(archive.open()), reading)
    const bytes = await readAll(archive.open())
    if (unpackedLength(bytes) > SMALL_UNPACKED_BYTES) {
      return this.#readInThread(async () => Promise.resolve(bytes), reading)
    }
    return readSmallChartArchive(Buffer.from(bytes.buffer), SMALL_UNPACKED_BYTES, reading)
  }

  close(): Promise<void> {
    return this.#pool.close()
  }

  async #readInThread(
    load: () => Promise<Uint8Array<ArrayBuffer>>,
    reading: ArchiveReading,
  ): Promise<ChartArchive> {
    const read = await this.#pool.run(async () => {
      const archive = await load()
      return { job: { archive, reading }, transfer: [archive.buffer] }
    })
    return read as ChartArchive
  }
}

/**
 * As the file itself says in its last four bytes (RFC 1952, section 2.3.1, ISIZE). One that says something else is
 * refused when its bytes have been counted, before any text of it is parsed.
 */
function unpackedLength({ buffer, byteLength }: Uint8Array): number {
  return byteLength < 4 ? 0 : new DataView(buffer).getUint32(byteLength - 4, true)
}

/** In a buffer of its own, which can be handed over. */
async function readAll(source: AsyncIterable<Buffer>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of source) {
    chunks.push(chunk)
    length += chunk.length
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
