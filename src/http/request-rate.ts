import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type Request } from 'express'
import { MemoryStore, rateLimit, type RateLimitRequestHandler } from 'express-rate-limit'
import { AppError } from '../errors.ts'

export interface RequestRateOptions {
  /** Requests that one identity may make within a window. */
  readonly most: number
  readonly windowMs: number
}

/**
 * From which part of its allowance on a caller is told what is left of it (`RateLimit`). Nobody below needs to know, and
 * telling costs as much as serving a small file.
 */
const TOLD_FROM = 0.5

/** Counts requests by identity. The counting, the headers and the refusal are express-rate-limit's. */
export class RequestRate {
  readonly #store = new MemoryStore()
  readonly #keys = new WeakMap<object, string>()
  readonly #toldFrom: number
  readonly #limiter: RateLimitRequestHandler

  constructor({ most, windowMs }: RequestRateOptions) {
    this.#toldFrom = Math.floor(most * TOLD_FROM)
    this.#limiter = rateLimit({
      windowMs,
      limit: most,
      store: this.#store,
      standardHeaders: 'draft-7',
      legacyHeaders: false,
      keyGenerator: (request) => this.#keys.get(request) ?? '',
      handler: (_request, response, next) => {
        next(tooMany(Number(response.getHeader('retry-after')), { most, windowMs }))
      },
      // They are about addresses, which nothing here goes by.
      validate: false,
    })
  }

  /** Counts a request of `who`. `undefined` or nothing resolved: it may go on. */
  charge(
    request: IncomingMessage,
    response: ServerResponse,
    who: string,
  ): Promise<AppError | undefined> | undefined {
    const used = this.#store.current.get(who)?.totalHits ?? 0
    if (used >= this.#toldFrom) return this.#ask(request, response, who)
    // The store is in memory: it has counted before it returns.
    void this.#store.increment(who)
    return undefined
  }

  close(): void {
    this.#store.shutdown()
  }

  async #ask(request: IncomingMessage, response: ServerResponse, who: string): Promise<AppError | undefined> {
    this.#keys.set(request, who)
    return new Promise((resolve, reject) => {
      // The types are Express's; what is used of them, Node's own requests and replies have.
      void this.#limiter(
        request as Request,
        response as Parameters<RateLimitRequestHandler>[1],
        (error: unknown) => {
          if (error === undefined || error instanceof AppError) resolve(error)
          else reject(new Error('the request could not be counted', { cause: error }))
        },
      )
    })
  }
}

function tooMany(retryAfterS: number, { most, windowMs }: RequestRateOptions): AppError {
  return new AppError(
    'rate-limited',
    `more than ${most} requests within ${windowMs / 1000} s; try again in ${retryAfterS} s`,
    { retryAfterS },
  )
}
