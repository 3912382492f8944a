import { setTimeout } from 'node:timers/promises'

/** Resolves once so many bytes more may have passed. Rejects when the signal aborts. */
export type Bandwidth = (bytes: number, signal: AbortSignal) => Promise<void>

interface BandwidthDeps {
  /** In milliseconds, never backwards. */
  readonly clock: () => number
  readonly wait: (delayMs: number, signal: AbortSignal) => Promise<void>
}

/** What may pass at once after a pause. */
const BURST_MS = 250

/**
 * A limit that all downloads share. Whoever comes takes a place in time behind those before, so that each gets its turn
 * and the sum keeps to the rate.
 */
export function createBandwidth(
  bytesPerSecond: number,
  { clock, wait }: BandwidthDeps = { clock: () => performance.now(), wait: pause },
): Bandwidth {
  let freeAtMs = -Infinity
  return async (bytes, signal) => {
    freeAtMs = Math.max(freeAtMs, clock() - BURST_MS) + (bytes / bytesPerSecond) * 1000
    const delayMs = freeAtMs - clock()
    if (delayMs > 0) await wait(delayMs, signal)
  }
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  await setTimeout(delayMs, undefined, { signal })
}
