import { chartInvalid } from './invalid.ts'
import { parseTarHeader, TAR_BLOCK, type TarHeader } from './tar-header.ts'
import { checkPaxRecords } from './tar-records.ts'

/** Helm's `MaxDecompressedChartSize`, and as there one byte less is the most; headers and padding count here as well. */
export const MAX_UNPACKED_BYTES = 100 * 1024 * 1024

const END_BLOCK = Buffer.alloc(TAR_BLOCK)

/** Go's `maxSpecialFileSize`. */
const LONGEST_RECORDS = 1024 * 1024

/**
 * Walks a tar ahead of tar-stream and refuses what tar-stream lets slip: bytes after the end marker, extension headers
 * that come alone or twice, and whatever Go's `archive/tar` would read otherwise. It must agree with tar-stream on where
 * each header is, which `parseTarHeader` sees to by taking sizes in one notation only.
 */
export class TarInspector {
  #unpacked = 0
  /** Bytes of content and padding up to the next header. */
  #toSkip = 0
  /** Parts of the header or the records that come now. */
  #parts: Buffer[] = []
  #partsLength = 0
  /** The extension header whose records come next. */
  #extension: TarHeader | undefined
  /** Whether records have come that wait for their member. */
  #hasRecords = false
  #isAtEnd = false

  /** The chunks as they are. Throws `chart-invalid`. */
  async *inspected(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.inspect(chunk)
      yield chunk
    }
    this.finish()
  }

  /** The next bytes. Throws `chart-invalid`. */
  inspect(chunk: Buffer): void {
    this.#unpacked += chunk.length
    if (this.#unpacked >= MAX_UNPACKED_BYTES) throw chartInvalid('the archive unpacks to 100 MiB or more')
    for (let rest = chunk; rest.length > 0;) rest = this.#take(rest)
  }

  /** To be called after the last bytes. Throws `chart-invalid`. */
  finish(): void {
    if (this.#toSkip > 0 || this.#partsLength > 0 || this.#extension !== undefined || this.#hasRecords) {
      throw chartInvalid('the archive is cut off within a member')
    }
  }

  /** Uses up the beginning of the bytes, and returns the others. */
  #take(bytes: Buffer): Buffer {
    if (this.#toSkip > 0) {
      const skipped = bytes.subarray(0, this.#toSkip)
      this.#toSkip -= skipped.length
      return bytes.subarray(skipped.length)
    }
    const wanted = this.#extension === undefined ? TAR_BLOCK : paddedLength(this.#extension.size)
    const part = bytes.subarray(0, wanted - this.#partsLength)
    this.#parts.push(part)
    this.#partsLength += part.length
    if (this.#partsLength === wanted) this.#inspectCollected()
    return bytes.subarray(part.length)
  }

  #inspectCollected(): void {
    const collected = Buffer.concat(this.#parts)
    this.#parts = []
    this.#partsLength = 0
    if (this.#extension === undefined) {
      this.#inspectBlock(collected)
      return
    }
    inspectRecords(this.#extension, collected)
    this.#hasRecords = this.#extension.kind !== 'pax-global'
    this.#extension = undefined
  }

  #inspectBlock(block: Buffer): void {
    if (block.equals(END_BLOCK)) {
      this.#isAtEnd = true
      return
    }
    if (this.#isAtEnd) throw chartInvalid('the archive has bytes after its end marker')
    const header = parseTarHeader(block)
    if (header.kind === 'file' || header.kind === 'directory') {
      this.#toSkip = paddedLength(header.size)
      this.#hasRecords = false
      return
    }
    // pax and GNU records together, or either twice: readers differ on which of them wins.
    if (this.#hasRecords) throw chartInvalid('the archive has two extension headers for one member')
    if (header.size === 0 || header.size > LONGEST_RECORDS) {
      throw chartInvalid('the archive has an extension header of an impossible size')
    }
    this.#extension = header
  }
}

function inspectRecords({ kind, size }: TarHeader, body: Buffer): void {
  if (kind === 'gnu-long-name') return
  checkPaxRecords(body.subarray(0, size), kind === 'pax' ? 'next-member' : 'all-members')
}

function paddedLength(size: number): number {
  return Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
}
