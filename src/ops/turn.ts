import { setImmediate } from 'node:timers/promises'

/** How long long work may hold the event loop at a time: a handful of such works at once still leave it within 50 ms. */
const TURN_MS = 5

/** Keeps work that is long in total short in each turn of the event loop. */
export class Turn {
  #began = performance.now()

  get isOver(): boolean {
    return performance.now() - this.#began >= TURN_MS
  }

  /** Everybody else has a turn; then one of ours begins. */
  async next(): Promise<void> {
    await setImmediate()
    this.#began = performance.now()
  }
}

/** For work that does not know of turns: to be called, and waited for, between its steps. */
export function pausing(): () => Promise<void> | undefined {
  const turn = new Turn()
  return () => (turn.isOver ? turn.next() : undefined)
}
