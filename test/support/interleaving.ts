/**
 * Runs several actors one step at a time, in a given order. An actor stands still at each gate until it is its turn; a
 * turn goes from one gate to the next.
 */
export class Interleaving {
  readonly #waiting = new Map<string, () => void>()
  readonly #running = new Set<string>()
  #arrived: () => void = () => undefined

  /** Resolves when it is the actor's turn; at once for an actor that nobody schedules any more. */
  async gate(actor: string): Promise<void> {
    if (!this.#running.has(actor)) return
    await new Promise<void>((resolve) => {
      this.#waiting.set(actor, resolve)
      this.#arrived()
    })
  }

  /** Starts all actors, gives turns by the schedule, then lets everybody run to the end. */
  async run(
    actors: Readonly<Record<string, () => Promise<void>>>,
    schedule: readonly string[],
  ): Promise<void> {
    const ends = Object.entries(actors).map(async ([actor, work]) => {
      this.#running.add(actor)
      try {
        await work()
      } finally {
        this.#running.delete(actor)
        this.#arrived()
      }
    })
    // An end is judged when all have come to theirs.
    const ended = Promise.allSettled(ends)
    for (const actor of schedule) {
      await this.#untilAllWait()
      this.#release(actor)
    }
    while (this.#running.size > 0) {
      await this.#untilAllWait()
      for (const actor of [...this.#waiting.keys()]) this.#release(actor)
    }
    await ended
    await Promise.all(ends)
  }

  #release(actor: string): void {
    const resume = this.#waiting.get(actor)
    this.#waiting.delete(actor)
    resume?.()
  }

  async #untilAllWait(): Promise<void> {
    while (this.#waiting.size < this.#running.size) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve
      })
    }
  }
}

/** Every order in which two actors can take so many turns each. */
export function* schedules(
  first: readonly [string, number],
  second: readonly [string, number],
): Iterable<string[]> {
  const [a, turnsOfA] = first
  const [b, turnsOfB] = second
  if (turnsOfA === 0 || turnsOfB === 0) {
    yield [...Array<string>(turnsOfA).fill(a), ...Array<string>(turnsOfB).fill(b)]
    return
  }
  for (const rest of schedules([a, turnsOfA - 1], second)) yield [a, ...rest]
  for (const rest of schedules(first, [b, turnsOfB - 1])) yield [b, ...rest]
}
