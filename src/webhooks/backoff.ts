const FIRST_DELAY_MS = 1000
const LONGEST_DELAY_MS = 10 * 60_000

/** How long to wait after so many failed attempts; half of it by chance (`random` from 0 to 1), so that not all come back at once. */
export function backoffMs(attempts: number, random: number): number {
  const whole = Math.min(FIRST_DELAY_MS * 2 ** (attempts - 1), LONGEST_DELAY_MS)
  return Math.round(whole / 2 + (whole / 2) * random)
}
