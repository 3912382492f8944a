import assert from 'node:assert/strict'
import { pino } from 'pino'
import { Registry } from 'prom-client'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { AppError } from '../../src/errors.ts'
import { type Mirror } from '../../src/mirror/mirror.ts'
import { SyncScheduler, type SchedulerDeps } from '../../src/mirror/scheduler.ts'
import { MirrorMetrics } from '../../src/ops/mirror-metrics.ts'
import { eventually } from '../support/eventually.ts'
import { actorNow, openEmbeddedStores, type EmbeddedStores } from '../support/use-cases.ts'

const DAY_MS = 86_400_000
const REPOSITORY = parseRepositoryName('mirror')

describe('the scheduler of mirrors', () => {
  let stores: EmbeddedStores
  let clock: Date
  let schedulers: SyncScheduler[]

  beforeEach(async () => {
    stores = await openEmbeddedStores()
    clock = new Date()
    schedulers = []
  })

  afterEach(async () => {
    await Promise.all(schedulers.map((scheduler) => scheduler.close()))
    await stores.close()
  })

  function mirror(settings: Partial<Mirror['settings']> = {}): Mirror {
    const defaults = { mode: 'both', schedule: '0 3 * * *', jitter: 0, ttl: DAY_MS, offline: false } as const
    return { repository: REPOSITORY, settings: { ...defaults, ...settings } } as Mirror
  }

  /** Gives what it has begun and refreshed, and what it logged. */
  function schedule(
    mirrors: readonly Mirror[],
    start: SchedulerDeps['runs']['start'] = (_repository, by) =>
      Promise.resolve({ since: by.at, by: by.who }),
  ): {
    readonly begun: string[]
    readonly refreshed: string[]
    readonly lines: string[]
    readonly metrics: MirrorMetrics
  } {
    const seen = { begun: [] as string[], refreshed: [] as string[], lines: [] as string[] }
    const metrics = new MirrorMetrics(new Registry())
    schedulers.push(
      new SyncScheduler({
        catalog: stores.catalog,
        mirrors: () => mirrors,
        runs: {
          start: (repository, by) => {
            seen.begun.push(repository)
            return start(repository, by)
          },
        },
        refresh: (one) => {
          seen.refreshed.push(one.repository)
          return Promise.resolve()
        },
        metrics: { mirrors: metrics },
        log: pino({}, { write: (line: string) => seen.lines.push(line) }),
        now: () => clock,
        random: () => 0,
      }),
    )
    return { ...seen, metrics }
  }

  async function synced(outcome: 'done' | 'refused', at: Date): Promise<void> {
    const row = { ...actorNow(), at, action: 'mirror-sync', outcome, repository: REPOSITORY } as const
    await stores.catalog.appendAudit(row)
  }

  it('begins a sync in one of the processes only', async () => {
    const first = schedule([mirror()])
    const second = schedule([mirror()])
    await eventually(async () => {
      const lease = { now: clock, until: clock }
      assert.equal(await stores.catalog.offers.takeLease('mirror-schedule', 'test', lease), 'held-elsewhere')
    })
    clock = new Date(clock.getTime() + DAY_MS)
    await eventually(() => {
      assert.equal(first.begun.length + second.begun.length, 1)
    })
  })

  it('makes up for a run that was missed, and tells of the last complete one', async () => {
    const complete = new Date(clock.getTime() - 3 * DAY_MS)
    await synced('done', complete)
    await synced('refused', new Date(clock.getTime() - 2 * DAY_MS))
    const { begun, metrics } = schedule([mirror()])
    await eventually(() => {
      assert.deepEqual(begun, ['mirror'])
    })
    const { values } = await metrics.lastSync.get()
    assert.deepEqual(
      values.map(({ value }) => value),
      [complete.getTime() / 1000],
    )
    assert.deepEqual(begun, ['mirror'], 'once, however the run before it ended')
  })

  it('says in the log that a sync was left out', async () => {
    await synced('done', new Date(clock.getTime() - 3 * DAY_MS))
    const { lines } = schedule([mirror()], () => Promise.reject(new AppError('already-running', 'it runs')))
    await eventually(() => {
      assert.match(lines.join(''), /"reason":"it runs","msg":"a scheduled sync was left out"/)
    })
  })

  it('keeps the index fresh where nobody reads through, and nowhere else', async () => {
    const { refreshed } = schedule([mirror({ mode: 'sync' })])
    const others = [mirror(), mirror({ mode: 'pull-through' }), mirror({ mode: 'sync', offline: true })]
    await eventually(() => {
      assert.deepEqual(refreshed, ['mirror'])
    })
    await schedulers.pop()?.close()
    const idle = schedule(others)
    await eventually(async () => {
      const lease = { now: clock, until: clock }
      assert.equal(await stores.catalog.offers.takeLease('mirror-schedule', 'test', lease), 'held-elsewhere')
    })
    assert.deepEqual(idle.refreshed, [])
  })
})
