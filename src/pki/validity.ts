import { type X509Certificate } from 'node:crypto'
import { AppError } from '../errors.ts'

/** From the first to the last second in which a certificate counts. */
export interface Validity {
  readonly notBefore: Date
  readonly notAfter: Date
}

/** Clients whose clocks run late must not see "not yet valid" right after issue; Let's Encrypt backdates as much. */
const CLOCK_SKEW_MS = 60 * 60 * 1000

const DAY_MS = 24 * 60 * 60 * 1000

/** A century: longer is a typing error, and RFC 5280's dates end with the year 9999. */
const MOST_DAYS = 36_525

/** Counted from `now`, in whole seconds as X.509 writes them. Throws `request-invalid`. */
export function validityFor(days: number, now: Date): Validity {
  if (!Number.isInteger(days) || days < 1 || days > MOST_DAYS) {
    throw new AppError(
      'request-invalid',
      `a certificate is valid for 1 to ${MOST_DAYS} whole days, not ${days}`,
    )
  }
  return {
    notBefore: wholeSeconds(now.getTime() - CLOCK_SKEW_MS),
    notAfter: wholeSeconds(now.getTime() + days * DAY_MS),
  }
}

/** For how many days a certificate was issued, rounded: the inverse of `validityFor`. */
export function daysOf(certificate: X509Certificate): number {
  const lifeMs = certificate.validToDate.getTime() - certificate.validFromDate.getTime() - CLOCK_SKEW_MS
  return Math.max(1, Math.round(lifeMs / DAY_MS))
}

/** Both ends included, as in RFC 5280, section 4.1.2.5. */
export function isWithin({ notBefore, notAfter }: Validity, now: Date): boolean {
  return notBefore <= now && now <= notAfter
}

function wholeSeconds(timeMs: number): Date {
  return new Date(Math.floor(timeMs / 1000) * 1000)
}
