/**
 * The one error type that crosses module borders. The code decides the HTTP status (`http/error-status.ts`)
 * and the exit code; the message is for the person at the other end, so it holds no path of the server and no
 * secret, and text chosen by a caller enters it only through `quoted()`.
 */
export type ErrorCode =
  | 'already-running'
  | 'blob-missing'
  | 'chart-exists'
  | 'chart-invalid'
  | 'chart-unknown'
  | 'config-invalid'
  | 'digest-mismatch'
  | 'key-unusable'
  | 'method-unknown'
  | 'not-allowed'
  | 'overloaded'
  | 'peer-refused'
  | 'provenance-invalid'
  | 'provenance-required'
  | 'provenance-unknown'
  | 'quota-exceeded'
  | 'rate-limited'
  | 'read-only'
  | 'repository-unknown'
  | 'request-aborted'
  | 'request-invalid'
  | 'route-unknown'
  | 'signature-bad'
  | 'signer-unknown'
  | 'storage-full'
  | 'too-large'
  | 'unavailable'
  | 'upstream-invalid'

export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode
  /** When it is worth trying again, in whole seconds. */
  readonly retryAfterS: number | undefined

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown; retryAfterS?: number }) {
    super(message, options)
    this.code = code
    this.retryAfterS = options?.retryAfterS
  }
}

/** Whether a caught value is a system error of Node with this code (`ENOENT`, `ENOSPC`, …). */
export function isSystemError(error: unknown, code: string): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && error.code === code
}
