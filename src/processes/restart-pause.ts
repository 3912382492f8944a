/** A worker that has lived so long was well: what ended it is no reason to wait. */
const STEADY_MS = 10_000
const FIRST_PAUSE_MS = 500
const MOST_PAUSE_MS = 30_000

/** How long a worker's place stays empty, in milliseconds: longer each time, as long as they die right after their start. */
export class RestartPause {
  #failures = 0

  next(livedMs: number): number {
    if (livedMs >= STEADY_MS) {
      this.#failures = 0
      return 0
    }
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** this.#failures, MOST_PAUSE_MS)
    this.#failures += 1
    return pause
  }
}
