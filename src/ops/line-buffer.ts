import { writeSync } from 'node:fs'
import { isSystemError } from '../errors.ts'

/**
 * So many bytes, with room for one more line below the 4096 that a pipe takes at once: lines of several processes on one
 * pipe stay whole.
 */
const WRITE_BYTES = 3072
const MOST_WRITTEN_BYTES = 4096
const FLUSH_MS = 100
/** For a reader that has stopped reading; past them, they are dropped. */
const MOST_HELD_BYTES = 1024 * 1024

export type WriteBytes = (bytes: Buffer) => number

/**
 * Collects lines and writes them with their neighbours: a write for each costs as much as serving a small file. Nothing
 * that happens to whoever reads them stops or ends this process.
 */
export class LineBuffer {
  readonly #write: WriteBytes
  readonly #timer: NodeJS.Timeout
  #lines: Buffer[] = []
  #bytes = 0
  /** The reader takes no more now: what comes waits for the timer. */
  #isBusy = false

  constructor(write: WriteBytes = (bytes) => writeSync(process.stderr.fd, bytes)) {
    this.#write = write
    this.#timer = setInterval(() => {
      this.flush()
    }, FLUSH_MS)
    this.#timer.unref()
  }

  write(line: string): void {
    const bytes = Buffer.from(line)
    if (this.#bytes + bytes.length > this.#mostBytes) this.flush()
    this.#lines.push(bytes)
    this.#bytes += bytes.length
    if (this.#bytes >= WRITE_BYTES && !this.#isBusy) this.flush()
  }

  /** Writes what it can. A reader that is busy gets the rest later, one that is gone never. */
  flush(): void {
    if (this.#bytes === 0) return
    let rest = Buffer.concat(this.#lines)
    this.#isBusy = false
    try {
      while (rest.length > 0) rest = rest.subarray(this.#write(rest))
    } catch (error) {
      this.#isBusy = isSystemError(error, 'EAGAIN') && rest.length < MOST_HELD_BYTES
      if (!this.#isBusy) rest = Buffer.alloc(0)
    }
    this.#lines = rest.length > 0 ? [rest] : []
    this.#bytes = rest.length
  }

  get #mostBytes(): number {
    return this.#isBusy ? MOST_HELD_BYTES : MOST_WRITTEN_BYTES
  }
}
