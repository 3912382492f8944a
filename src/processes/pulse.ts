import { setTimeout as delay } from 'node:timers/promises'
import { type WorkerProcess } from './worker-process.ts'

export interface Pulse {
  /** Between two questions, and how long one waits for its answer, in milliseconds. */
  readonly everyMs: number
  /** So many left unanswered in a row, a worker is hung. */
  readonly mostMissed: number
}

/** A worker that is merely busy has a turn of its event loop in half a minute. */
export const PULSE: Pulse = { everyMs: 5000, mostMissed: 6 }

/**
 * Resolves with `hung` once the worker has left so many questions unanswered, `ended` once it serves no more or the signal
 * comes. Questions are counted, not time: where the whole machine has stood still, no worker is to blame.
 */
export async function watchPulse(
  worker: Pick<WorkerProcess, 'ask' | 'serves' | 'exited'>,
  { everyMs, mostMissed }: Pulse,
  signal: AbortSignal,
): Promise<'hung' | 'ended'> {
  const ended = new AbortController()
  void worker.exited.then(() => {
    ended.abort()
  })
  const over = AbortSignal.any([signal, ended.signal])
  const goesOn = (): boolean => worker.serves && !over.aborted
  let missed = 0
  while (goesOn()) {
    const answer = await worker.ask('pulse', everyMs)
    missed = answer === undefined ? missed + 1 : 0
    if (missed >= mostMissed && goesOn()) return 'hung'
    if (answer !== undefined) await delay(everyMs, undefined, { signal: over }).catch(() => undefined)
  }
  return 'ended'
}
