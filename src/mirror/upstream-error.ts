import { AppError } from '../errors.ts'

/** A lasting fault of an upstream: asking again gives the same. What may pass is `unavailable`. */
export function upstreamInvalid(message: string, cause?: unknown): AppError {
  return new AppError('upstream-invalid', message, { cause })
}

export function upstreamUnavailable(message: string, cause?: unknown): AppError {
  return new AppError('unavailable', message, { cause })
}
