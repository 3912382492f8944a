import { type RecordOutcome } from './catalog.ts'
import { type Writer } from './sqlite-connection.ts'
import { recordVersion, type Recording } from './sqlite-record.ts'

/** How many versions one transaction records at most: it holds the write lock for some milliseconds. */
const MOST_AT_ONCE = 32

interface Waiting {
  readonly recording: Recording
  readonly resolve: (outcome: RecordOutcome) => void
  readonly reject: (reason: unknown) => void
}

/**
 * Records versions that come at the same time in one transaction, and so with one sync of the disk. Each has its own
 * outcome, as if they had come one after the other: what is refused writes nothing.
 */
export class RecordingQueue {
  readonly #write: <T>(fn: (tx: Writer) => T) => Promise<T>
  #waiting: Waiting[] = []
  #working: Promise<void> | undefined

  constructor(write: <T>(fn: (tx: Writer) => T) => Promise<T>) {
    this.#write = write
  }

  record(recording: Recording): Promise<RecordOutcome> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ recording, resolve, reject })
      this.#working ??= this.#work()
    })
  }

  /** What was asked for by now comes to its end. */
  async settle(): Promise<void> {
    await this.#working
  }

  async #work(): Promise<void> {
    // Whoever else is ready in this turn of the event loop comes along.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0) await this.#recordTogether(this.#waiting.splice(0, MOST_AT_ONCE))
    this.#working = undefined
  }

  async #recordTogether(batch: readonly Waiting[]): Promise<void> {
    try {
      const recorded = await this.#write((tx) =>
        batch.map(({ recording, resolve }) => ({ outcome: recordVersion(tx, recording), resolve })),
      )
      for (const { outcome, resolve } of recorded) resolve(outcome)
    } catch (error) {
      if (batch.length === 1) for (const { reject } of batch) reject(error)
      // Nothing was written: each by itself fails for its own reason, and the others do not.
      else for (const each of batch) await this.#recordTogether([each])
    }
  }
}
