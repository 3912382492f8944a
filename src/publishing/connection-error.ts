import { AppError } from '../errors.ts'
import { asciiOnly } from '../text.ts'

/** Why there was no reply. */
export interface ConnectionProblem {
  readonly message: string
  /** Whether it may go better the next time. */
  readonly isTransient: boolean
}

/** Node's and the system's codes for what passes: a server that restarts, a proxy that gives up, a name server's hiccup. */
const TRANSIENT: Readonly<Record<string, string>> = {
  EAI_AGAIN: 'its name cannot be resolved just now',
  ECONNABORTED: 'the connection broke',
  ECONNREFUSED: 'the connection is refused: nothing listens there',
  ECONNRESET: 'the connection broke before a reply came',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  EPIPE: 'the connection broke before a reply came',
  ETIMEDOUT: 'no connection came about in time',
}

/** OpenSSL's codes (`X509_verify_cert_error_string`) that mean: no way from this certificate to a trusted CA. */
const UNTRUSTED = new Set([
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

/** What a failed exchange with the host means. `remedy` ends what is said of an unknown CA: where to name it. */
export function describeConnectionError(
  error: unknown,
  host: string,
  remedy = 'with --ca-file',
): ConnectionProblem {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  const transient = TRANSIENT[code]
  if (transient !== undefined) return { message: `${host}: ${transient}`, isTransient: true }
  return { message: `${host}: ${describeLasting(error, code, remedy)}`, isTransient: false }
}

function describeLasting(error: unknown, code: string, remedy: string): string {
  const text = error instanceof Error ? asciiOnly(error.message) : 'the connection failed'
  if (UNTRUSTED.has(code)) {
    return `the server's certificate is from a CA that is not trusted here: name that CA's certificate ${remedy}`
  }
  if (code === 'CERT_HAS_EXPIRED') return "the server's certificate has expired"
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `the server's certificate is for another name (${text})`
  if (code === 'ENOTFOUND') return 'there is no host of this name'
  if (code === 'EPROTO' || code === 'ERR_SSL_WRONG_VERSION_NUMBER') return `it does not speak HTTPS (${text})`
  // By an alert during the handshake: a server that explains itself completes it, and answers 403.
  if (/^ERR_SSL_.*ALERT/.test(code))
    return `the server refused the TLS handshake, and may want a certificate (${text})`
  return text
}

/** That nothing came of it. */
export function unreachable({ message }: Pick<ConnectionProblem, 'message'>, cause?: unknown): AppError {
  return new AppError('unavailable', message, { cause })
}
