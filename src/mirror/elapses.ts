import { setTimeout } from 'node:timers/promises'

/** Whether the time has passed; false when that was broken off. */
export async function elapses(delayMs: number, signal: AbortSignal): Promise<boolean> {
  return setTimeout(delayMs, true, { signal }).catch(() => false)
}
