import { AppError, type ErrorCode } from '../errors.ts'

/** What a thread sends back for a job. Errors lose their class on the way, so theirs is spelled out. */
type Answer =
  | { readonly kind: 'result'; readonly result: unknown }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string; readonly cause: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }

export async function answerOf(work: () => Promise<unknown>): Promise<Answer> {
  try {
    return { kind: 'result', result: await work() }
  } catch (error) {
    if (!(error instanceof AppError)) return { kind: 'failed', error: sendable(error) }
    return { kind: 'refused', code: error.code, message: error.message, cause: sendable(error.cause) }
  }
}

/** The result, or throws what the work threw. */
export function readAnswer(message: unknown): unknown {
  const answer = message as Answer
  switch (answer.kind) {
    case 'result':
      return answer.result
    case 'refused':
      throw new AppError(answer.code, answer.message, { cause: answer.cause })
    case 'failed':
      throw answer.error
  }
}

/** For the log: not every error can be cloned. */
function sendable(error: unknown): unknown {
  return error instanceof Error ? new Error(error.message) : undefined
}
