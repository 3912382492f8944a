/** What came of one attempt: a result, or a failure that another one may mend. */
export type Attempt<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: Error; readonly retryAfterMs?: number }

export interface RetryRules {
  /** After the first attempt. */
  readonly retries: number
  /** Resolves after that time; rejects when the process is to end. */
  readonly wait: (delayMs: number) => Promise<void>
  /** From 0 to 1. */
  readonly random: () => number
  readonly onRetry: (retry: Retry) => void
}

interface Retry {
  /** From 1. */
  readonly count: number
  readonly delayMs: number
  readonly why: string
}

const FIRST_DELAY_MS = 500
const LONGEST_DELAY_MS = 30_000
/** A server that asks for more is not waited for: a pipeline that hangs helps nobody. */
const LONGEST_RETRY_AFTER_MS = 5 * 60_000

/**
 * Attempts until one is done, each pause twice as long as the one before, and none shorter than the server asks for.
 * Throws the last failure.
 */
export async function withRetries<T>(rules: RetryRules, attempt: () => Promise<Attempt<T>>): Promise<T> {
  for (let count = 1; ; count += 1) {
    const outcome = await attempt()
    if (outcome.kind === 'done') return outcome.value
    const { error, retryAfterMs = 0 } = outcome
    if (count > rules.retries || retryAfterMs > LONGEST_RETRY_AFTER_MS) throw error
    const delayMs = Math.max(retryAfterMs, backoffMs(count, rules.random()))
    rules.onRetry({ count, delayMs, why: error.message })
    await rules.wait(delayMs)
  }
}

/** Half of it by chance, so that the jobs of one pipeline do not come back all at once. */
function backoffMs(count: number, random: number): number {
  const whole = Math.min(FIRST_DELAY_MS * 2 ** (count - 1), LONGEST_DELAY_MS)
  return Math.round(whole / 2 + (whole / 2) * random)
}

/** The `Retry-After` header (RFC 9110, section 10.2.3), seconds or a date, in milliseconds. `undefined` when it says nothing. */
export function parseRetryAfter(header: string | undefined, now: Date): number | undefined {
  if (header === undefined) return undefined
  if (/^\d+$/.test(header)) return Math.min(Number(header) * 1000, Number.MAX_SAFE_INTEGER)
  // Date.parse takes much that is no date of HTTP; those begin with the day of the week.
  const time = /^[A-Z][a-z]{2,8}, /.test(header) ? Date.parse(header) : NaN
  return Number.isNaN(time) ? undefined : Math.max(0, time - now.getTime())
}
