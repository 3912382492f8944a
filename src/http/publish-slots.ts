import { type ServerResponse } from 'node:http'
import { AppError } from '../errors.ts'
import { type Metrics } from '../ops/metrics.ts'
import { overloaded } from './admission.ts'
import { type Handler } from './exchange.ts'

export interface PublishLimits {
  /** At a time, in this process. */
  readonly publishes: number
  /** How many more may wait for their turn. */
  readonly publishesWaiting: number
}

/** A client that waits longer has given up, or soon will. */
const LONGEST_WAIT_MS = 10_000
const RETRY_AFTER_S = 2

/** Bounds how much is being unpacked and checked at a time. */
export class PublishSlots {
  readonly #metrics: Metrics
  readonly #limits: PublishLimits
  /** In the order in which they came. Calling one lets it in. */
  readonly #waiting = new Set<() => void>()
  #inUse = 0

  constructor({ metrics }: { readonly metrics: Metrics }, limits: PublishLimits) {
    this.#metrics = metrics
    this.#limits = limits
  }

  /** Runs `work` in its turn. Throws `overloaded` when that does not come, or what `work` throws. */
  async use<T>(response: ServerResponse, work: () => Promise<T>): Promise<T> {
    if (this.#inUse < this.#limits.publishes) this.#inUse += 1
    else await this.#turn(response)
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  #leave(): void {
    const [next] = this.#waiting
    if (next === undefined) this.#inUse -= 1
    else next()
  }

  async #turn(response: ServerResponse): Promise<void> {
    if (this.#waiting.size >= this.#limits.publishesWaiting) throw this.#refuse()
    await new Promise<void>((resolve, reject) => {
      const settle = (then: () => void): void => {
        this.#waiting.delete(enter)
        response.off('close', abort)
        clearTimeout(timer)
        then()
      }
      const enter = (): void => {
        settle(resolve)
      }
      const abort = (): void => {
        settle(() => {
          reject(new AppError('request-aborted', 'the peer left while its publish was waiting'))
        })
      }
      const timer = setTimeout(() => {
        settle(() => {
          reject(this.#refuse())
        })
      }, LONGEST_WAIT_MS)
      response.once('close', abort)
      this.#waiting.add(enter)
    })
  }

  #refuse(): AppError {
    this.#metrics.limitedRequests.inc({ reason: 'publishes' })
    return overloaded(`${this.#limits.publishes} charts are being published`, RETRY_AFTER_S)
  }
}

/** The handler, for as many publishes at a time as there are slots. It has been authorised; no body has been read. */
export function inTurn(slots: PublishSlots, handler: Handler<'publish'>): Handler<'publish'> {
  return (exchange) => slots.use(exchange.response, () => handler(exchange))
}
