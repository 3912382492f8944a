import { deepEqual, equal, rejects } from 'node:assert/strict'
import { withLease } from '../../../src/mirror/lease.ts'
import { NOON } from '../../support/catalog-samples.ts'

describe('work under a lease', () => {
  const calls: string[] = []
  const offers = {
    takeLease: (name: string, owner: string) => {
      const isFree = taken === undefined || taken === owner
      if (isFree) taken = owner
      calls.push(`take ${name}`)
      return Promise.resolve(isFree ? ('held' as const) : ('held-elsewhere' as const))
    },
    releaseLease: (name: string) => {
      taken = undefined
      calls.push(`release ${name}`)
      return Promise.resolve()
    },
  }
  const deps = { offers, now: () => NOON }
  let taken: string | undefined

  beforeEach(() => {
    taken = undefined
    calls.splice(0)
  })

  it('is done by one at a time, also when both are in this process', async () => {
    const inner = await withLease(deps, { name: 'work' }, () =>
      withLease(deps, { name: 'work' }, () => Promise.resolve('done')),
    )
    equal(inner, 'held-elsewhere')
    equal(await withLease(deps, { name: 'work' }, () => Promise.resolve('done')), 'done')
  })

  it('lets go of it when the work fails', async () => {
    await rejects(
      withLease(deps, { name: 'work' }, () => Promise.reject(new Error('broken'))),
      /broken/,
    )
    deepEqual(calls, ['take work', 'release work'])
  })

  it("passes the caller's signal on", async () => {
    const caller = new AbortController()
    const isAborted = await withLease(deps, { name: 'work', signal: caller.signal }, (signal) => {
      caller.abort()
      return Promise.resolve(signal.aborted)
    })
    equal(isAborted, true)
  })
})
