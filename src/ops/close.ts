/** Everything with a handle, closed in the reverse order of its opening, once. */
export class Closers {
  readonly #steps: (() => Promise<void>)[] = []
  #closing = false

  /** From the first call of `close` on. */
  get closing(): boolean {
    return this.#closing
  }

  /** Registers how to close `thing`, and gives it back. */
  add<T extends { close(): Promise<void> }>(thing: T): T {
    this.#steps.push(() => thing.close())
    return thing
  }

  /** Closes all, also when one fails; then rejects with the first failure. */
  async close(): Promise<void> {
    this.#closing = true
    const failures: unknown[] = []
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      await step().catch((error: unknown) => failures.push(error))
    }
    if (failures.length > 0) throw new AggregateError(failures, 'not everything could be closed')
  }
}
