import { AppError, type ErrorCode } from '../errors.ts'
import { type Action } from '../policy/rule.ts'
import { wordedReply } from './error-reply.ts'
import { type Exchange, type Handler } from './exchange.ts'

/** What ChartMuseum says where we have an error of this code. */
export type Words = Readonly<Partial<Record<ErrorCode, string>>>

/** The handler, with these errors told in ChartMuseum's words. */
export function worded<A extends Action>(
  wordsFor: (exchange: Exchange<A>) => Words,
  handler: Handler<A>,
): Handler<A> {
  return async (exchange) => {
    try {
      return await handler(exchange)
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      const words = wordsFor(exchange)[error.code]
      if (words === undefined) throw error
      return wordedReply(error, words)
    }
  }
}
