import assert from 'node:assert/strict'
import { nextSync } from '../../../src/mirror/sync-schedule.ts'

const HOUR_MS = 3_600_000
const NOW = new Date(2026, 0, 10, 12, 30)

function next(
  settings: { readonly schedule?: string; readonly jitter?: number },
  lastSync?: Date,
  random = 0,
): Date | undefined {
  const { schedule, jitter = 0 } = settings
  return nextSync({ schedule, jitter }, { lastSync, now: NOW, random: () => random })
}

describe('nextSync', () => {
  it('has nothing to say without a schedule', () => {
    assert.equal(next({}), undefined)
  })

  it('waits for the schedule where there was no sync yet', () => {
    assert.deepEqual(next({ schedule: '0 3 * * *' }), new Date(2026, 0, 11, 3))
  })

  it('is late by chance, and no more than it may be', () => {
    const due = new Date(2026, 0, 11, 3).getTime()
    assert.equal(
      next({ schedule: '0 3 * * *', jitter: HOUR_MS }, undefined, 0.5)?.getTime(),
      due + HOUR_MS / 2,
    )
  })

  it('makes up for a run that nobody was there for', () => {
    const missed = next({ schedule: '0 3 * * *' }, new Date(2026, 0, 8, 3, 10))
    assert.deepEqual(missed, new Date(2026, 0, 9, 3))
  })

  it('counts from the end of the last run', () => {
    assert.deepEqual(
      next({ schedule: '0 * * * *' }, new Date(2026, 0, 10, 12, 20)),
      new Date(2026, 0, 10, 13),
    )
  })
})
