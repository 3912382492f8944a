import { type ProgressOutput } from './upload-progress.ts'

/** How far many files have come: a bar on a terminal, elsewhere a line now and then. */
export interface TransferProgress {
  readonly step: () => void
  /** Leaves nothing unfinished on the terminal. */
  readonly end: () => void
}

const ERASE_LINE = '\r\x1b[K'
const WIDEST_BAR = 40
/** Files between two lines in a log. */
const LINE_EVERY = 500

export function createTransferProgress(
  verb: string,
  total: number | undefined,
  { write, columns }: ProgressOutput,
): TransferProgress {
  let count = 0
  const figures = (): string => (total === undefined ? String(count) : `${count} of ${total}`)
  if (columns === undefined) {
    return {
      step: () => {
        count += 1
        if (count % LINE_EVERY === 0) write(`${verb} ${figures()}\n`)
      },
      end: () => undefined,
    }
  }
  return {
    step: () => {
      count += 1
      const bar = total === undefined ? '' : renderBar(count / Math.max(1, total), columns)
      write(`${ERASE_LINE}${`${verb}${bar} ${figures()}`.slice(0, columns - 1)}`)
    },
    end: () => {
      if (count > 0) write(ERASE_LINE)
    },
  }
}

function renderBar(share: number, columns: number): string {
  const width = Math.min(WIDEST_BAR, columns - 40)
  if (width <= 0) return ''
  return ` [${'#'.repeat(Math.floor(Math.min(1, share) * width)).padEnd(width, '.')}]`
}
