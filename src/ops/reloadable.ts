/** What became of a reading: a value that differs, the same one, or none. */
export type ReloadOutcome = 'changed' | 'unchanged' | 'failed'

/** A reading of some files, and what tells it from another reading of the same files. */
export interface Reading<T> {
  readonly value: T
  /** Equal when nothing changed; a digest of what was read. */
  readonly revision: string
}

export interface InputStatus {
  readonly name: string
  /** When the value in force was read. */
  readonly loadedAt: Date
  /** Why the newest reading failed; absent when it is in force. */
  readonly error?: string
}

/**
 * Something that is read from files and read again when they change. A reading that fails is reported and changes
 * nothing: the value in force stays.
 */
export class Reloadable<T> {
  readonly name: string
  readonly #read: () => Promise<Reading<T>>
  readonly #now: () => Date
  #current: Reading<T>
  #loadedAt: Date
  #error: string | undefined

  private constructor(name: string, read: () => Promise<Reading<T>>, now: () => Date, first: Reading<T>) {
    this.name = name
    this.#read = read
    this.#now = now
    this.#current = first
    this.#loadedAt = now()
  }

  /** The first reading must succeed: its error is thrown. */
  static async open<T>(
    name: string,
    read: () => Promise<Reading<T>>,
    now: () => Date,
  ): Promise<Reloadable<T>> {
    return new Reloadable(name, read, now, await read())
  }

  get value(): T {
    return this.#current.value
  }

  get status(): InputStatus {
    const status = { name: this.name, loadedAt: this.#loadedAt }
    return this.#error === undefined ? status : { ...status, error: this.#error }
  }

  async reload(): Promise<ReloadOutcome> {
    try {
      const reading = await this.#read()
      this.#error = undefined
      if (reading.revision === this.#current.revision) return 'unchanged'
      this.#current = reading
      this.#loadedAt = this.#now()
      return 'changed'
    } catch (error) {
      // Told by `status`: the caller logs it with what stays in force.
      this.#error = error instanceof Error ? error.message : String(error)
      return 'failed'
    }
  }
}
