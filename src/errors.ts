/**
 * The one error type that crosses module borders. The code decides the HTTP status (`http/error-status.ts`)
 * and the exit code; the message is for the person at the other end, so it holds no path of the server and no
 * secret, and text chosen by a caller enters it only through `quoted()`.
 */
export type ErrorCode =
  | 'blob-missing'
  | 'chart-exists'
  | 'chart-invalid'
  | 'chart-unknown'
  | 'config-invalid'
  | 'digest-mismatch'
  | 'key-unusable'
  | 'method-unknown'
  | 'not-allowed'
  | 'peer-refused'
  | 'provenance-invalid'
  | 'provenance-required'
  | 'provenance-unknown'
  | 'quota-exceeded'
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

export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}

/** Whether a caught value is a system error of Node with this code (`ENOENT`, `ENOSPC`, …). */
export function isSystemError(error: unknown, code: string): error is NodeJS.ErrnoException {
  return error instanceof Error && 'code' in error && error.code === code
}
