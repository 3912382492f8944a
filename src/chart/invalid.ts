import { AppError } from '../errors.ts'

/** The refusal of a chart. */
export function chartInvalid(message: string, cause?: unknown): AppError {
  return new AppError('chart-invalid', message, cause === undefined ? undefined : { cause })
}
