import { setTimeout } from 'node:timers/promises'

/** Whether the time has passed; false when that was broken off. Keeps no process alive. */
export async function elapses(delayMs: number, signal: AbortSignal): Promise<boolean> {
  return setTimeout(delayMs, true, { signal, ref: false }).catch(() => false)
}
