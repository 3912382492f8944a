import { randomUUID } from 'node:crypto'
import { type Offers } from '../catalog/offers.ts'
import { AppError } from '../errors.ts'

/** How long a process that has died keeps the others from the same work. */
const LEASE_MS = 60_000
const RENEW_MS = 20_000

export interface LeaseDeps {
  readonly offers: Pick<Offers, 'takeLease' | 'releaseLease'>
  readonly now: () => Date
}

/**
 * Does what only one may do at a time, in all processes on the catalog; `held-elsewhere` where another one does. The
 * signal aborts with the caller's, and when the lease is lost.
 */
export async function withLease<T>(
  { offers, now }: LeaseDeps,
  { name, signal }: { readonly name: string; readonly signal?: AbortSignal | undefined },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | 'held-elsewhere'> {
  const owner = randomUUID()
  const lost = new AbortController()
  const take = (): Promise<'held' | 'held-elsewhere'> => {
    const at = now()
    return offers.takeLease(name, owner, { now: at, until: new Date(at.getTime() + LEASE_MS) })
  }
  if ((await take()) === 'held-elsewhere') return 'held-elsewhere'
  const renewal = setInterval(() => {
    take().then(
      (lease) => {
        if (lease === 'held-elsewhere')
          lost.abort(new AppError('unavailable', 'another process has taken this over'))
      },
      // The catalog may answer the next time; until then the lease holds.
      () => undefined,
    )
  }, RENEW_MS)
  try {
    return await work(signal === undefined ? lost.signal : AbortSignal.any([lost.signal, signal]))
  } finally {
    clearInterval(renewal)
    await offers.releaseLease(name, owner)
  }
}
