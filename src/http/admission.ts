import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Logger } from 'pino'
import { AppError } from '../errors.ts'
import { type Metrics } from '../ops/metrics.ts'
import { type VerifiedListener } from './listener.ts'
import { RequestRate } from './request-rate.ts'
import { sendError } from './serve.ts'

export interface AdmissionDeps {
  readonly metrics: Metrics
  readonly log: Logger
}

export interface AdmissionLimits {
  /** In progress at a time, in this process. */
  readonly requests: number
  /** Of one identity within the window. */
  readonly rate: number | 'off'
  /** Milliseconds. */
  readonly rateWindow: number
}

const RETRY_AFTER_S = 1

/**
 * Whether a verified request is served now. Each in progress may hold a slice of its reply for a reader who does not
 * read, so their number is what memory depends on; and one that is refused costs next to nothing. How long the event
 * loop was late says neither: it is over by the time that it is known.
 */
export class Admission {
  readonly #deps: AdmissionDeps
  readonly #most: number
  readonly #rate: RequestRate | undefined
  #inProgress = 0
  readonly #leave = (): void => {
    this.#inProgress -= 1
  }

  constructor(deps: AdmissionDeps, { requests, rate, rateWindow }: AdmissionLimits) {
    this.#deps = deps
    this.#most = requests
    this.#rate = rate === 'off' ? undefined : new RequestRate({ most: rate, windowMs: rateWindow })
  }

  /** The listener, for requests that are served; the others are told why not and when to try again. */
  within(next: VerifiedListener): VerifiedListener {
    return (request, response, context) => {
      const refusal = this.#admit(request, response, context.actor.who)
      if (refusal === undefined) {
        next(request, response, context)
        return
      }
      const arrival = { request, response, context }
      Promise.resolve(refusal)
        .then(async (error) => {
          if (error === undefined) next(request, response, context)
          else await sendError(this.#deps.log, arrival, error)
        })
        .catch((error: unknown) => sendError(this.#deps.log, arrival, error))
    }
  }

  /** At once, as nearly always, or by promise: `undefined` to go on, or the error that is the reply. */
  #admit(
    request: IncomingMessage,
    response: ServerResponse,
    who: string,
  ): AppError | Promise<AppError | undefined> | undefined {
    if (this.#inProgress >= this.#most) {
      this.#deps.metrics.limitedRequests.inc({ reason: 'requests' })
      return overloaded(`${this.#most} requests are in progress`, RETRY_AFTER_S)
    }
    this.#inProgress += 1
    response.once('close', this.#leave)
    return this.#rate?.charge(request, response, who)?.then((refusal) => {
      if (refusal !== undefined) this.#deps.metrics.limitedRequests.inc({ reason: 'rate' })
      return refusal
    })
  }

  close(): Promise<void> {
    this.#rate?.close()
    return Promise.resolve()
  }
}

/** The server does what it can already. */
export function overloaded(why: string, retryAfterS: number): AppError {
  return new AppError('overloaded', `the server is busy: ${why}; try again`, { retryAfterS })
}
