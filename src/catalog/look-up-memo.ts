import { LRUCache } from 'lru-cache'

/** Each holds a version's index entry at most, which is about a kilobyte. */
const MOST_ANSWERS = 10_000

/**
 * Answers of single look-ups, kept until anything is committed to the database, by this process or another one. SQLite
 * is asked about that once for all look-ups of a turn of the event loop, after the last of them has come: an answer is
 * never older than its question.
 */
export class LookUpMemo {
  readonly #dataVersion: () => number
  readonly #answers = new LRUCache<string, { readonly answer: unknown }>({ max: MOST_ANSWERS })
  #answeredAt: number | undefined
  #checking: Promise<void> | undefined

  /** `dataVersion` differs from before whenever another connection has committed (`PRAGMA data_version`). */
  constructor(dataVersion: () => number) {
    this.#dataVersion = dataVersion
  }

  /** `key` names the look-up; what `lookUp` throws is not kept. */
  async get<T>(key: string, lookUp: () => T): Promise<T> {
    await (this.#checking ??= this.#checkAfterThisTurn())
    const known = this.#answers.get(key)
    if (known !== undefined) return known.answer as T
    const answer = lookUp()
    this.#answers.set(key, { answer })
    return answer
  }

  async #checkAfterThisTurn(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve))
    // From here on, a question may be about a commit that comes after this look.
    this.#checking = undefined
    const version = this.#dataVersion()
    if (version === this.#answeredAt) return
    this.#answers.clear()
    this.#answeredAt = version
  }
}
