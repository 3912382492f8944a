/** How an upload comes along, for people: on standard error, as the answer is on standard output. */
export interface UploadProgress {
  /** A new attempt to send it. */
  readonly begin: (name: string, totalBytes: number) => void
  readonly advance: (bytes: number) => void
  readonly note: (text: string) => void
  /** Leaves nothing unfinished on the terminal. */
  readonly end: () => void
}

/** What it is written to. */
export interface ProgressOutput {
  readonly write: (text: string) => void
  /** Of the terminal; `undefined` where it is none, as in CI: lines then, and no bar. */
  readonly columns: number | undefined
}

export function createProgress(mode: 'shown' | 'quiet', { write, columns }: ProgressOutput): UploadProgress {
  if (mode === 'quiet') return QUIET
  return columns === undefined ? linesOn(write) : new ProgressBar(write, columns || USUAL_COLUMNS)
}

const QUIET: UploadProgress = {
  begin: () => undefined,
  advance: () => undefined,
  note: () => undefined,
  end: () => undefined,
}

function linesOn(write: (text: string) => void): UploadProgress {
  return {
    ...QUIET,
    begin: (name, totalBytes) => {
      write(`sending ${name} (${formatBytes(totalBytes)})\n`)
    },
    note: (text) => {
      write(`${text}\n`)
    },
  }
}

const ERASE_LINE = '\r\x1b[K'
const WIDEST_BAR = 40
/** Some terminals do not know how wide they are, and say 0. */
const USUAL_COLUMNS = 80

class ProgressBar implements UploadProgress {
  readonly #write: (text: string) => void
  readonly #columns: number
  #name = ''
  #totalBytes = 0
  #sentBytes = 0
  #shown = ''

  constructor(write: (text: string) => void, columns: number) {
    this.#write = write
    this.#columns = columns
  }

  begin(name: string, totalBytes: number): void {
    this.#name = name
    this.#totalBytes = totalBytes
    this.#sentBytes = 0
    this.#draw()
  }

  advance(bytes: number): void {
    this.#sentBytes += bytes
    this.#draw()
  }

  note(text: string): void {
    this.end()
    this.#write(`${text}\n`)
  }

  end(): void {
    if (this.#shown !== '') this.#write(ERASE_LINE)
    this.#shown = ''
  }

  /** A line that wraps could not be erased. */
  #draw(): void {
    const share = this.#totalBytes === 0 ? 1 : Math.min(1, this.#sentBytes / this.#totalBytes)
    const figures = ` ${String(Math.floor(share * 100)).padStart(3)}% of ${formatBytes(this.#totalBytes)}`
    const width = Math.min(WIDEST_BAR, this.#columns - this.#name.length - figures.length - 4)
    const filled = Math.floor(share * Math.max(0, width))
    const bar = width > 0 ? ` [${'#'.repeat(filled).padEnd(width, '.')}]` : ''
    const line = `${this.#name}${bar}${figures}`.slice(0, this.#columns - 1)
    if (line !== this.#shown) this.#write(`${ERASE_LINE}${line}`)
    this.#shown = line
  }
}

function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  const [divisor, unit] = bytes < 1024 * 1024 ? [1024, 'KiB'] : [1024 * 1024, 'MiB']
  return `${(bytes / divisor).toFixed(1)} ${unit}`
}
