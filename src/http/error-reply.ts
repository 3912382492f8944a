import { AppError } from '../errors.ts'
import { STATUS } from './error-status.ts'
import { jsonReply, type Reply } from './reply.ts'

/**
 * What the caller is told. Helm shows the reason phrase and nothing else, scripts read ChartMuseum's `{"error"}`.
 * What went wrong inside is told to the log only.
 */
export function errorReply(error: unknown, requestId: string): Reply {
  if (!isPublic(error)) {
    const message = `internal error (request ${requestId})`
    return jsonReply(500, { error: message }, { reason: message })
  }
  const retryAfterS = retryAfterOf(error) ?? (error.code === 'unavailable' ? 1 : undefined)
  const headers = retryAfterS === undefined ? {} : { 'retry-after': String(retryAfterS) }
  return jsonReply(STATUS[error.code], { error: error.message }, { reason: error.message, headers })
}

/** Whole seconds (RFC 9110, section 10.2.3): what is no such number is not said. */
function retryAfterOf({ retryAfterS }: AppError): number | undefined {
  return Number.isSafeInteger(retryAfterS) ? retryAfterS : undefined
}

/** With ChartMuseum's words in front, for scripts that look for them; what they leave open follows. */
export function wordedReply(error: AppError, words: string): Reply {
  return jsonReply(STATUS[error.code], { error: `${words}: ${error.message}` }, { reason: error.message })
}

/** Whether the error is about the request, so that its text is for the caller. */
export function isPublic(error: unknown): error is AppError {
  return error instanceof AppError && STATUS[error.code] !== 500
}
