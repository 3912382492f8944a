import { setTimeout } from 'node:timers/promises'

const DEADLINE_MS = 5000
const INTERVAL_MS = 20

/** Polls until the assertion holds; fails with its last error. */
export async function eventually(assertion: () => Promise<void> | void): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS
  for (;;) {
    try {
      await assertion()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await setTimeout(INTERVAL_MS)
    }
  }
}
