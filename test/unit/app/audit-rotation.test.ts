import assert from 'node:assert/strict'
import { pino } from 'pino'
import { AuditRotation } from '../../../src/app/audit-rotation.ts'
import { type Catalog } from '../../../src/catalog/catalog.ts'
import { AppError } from '../../../src/errors.ts'

const DAY_MS = 86_400_000
const NOW = new Date('2026-03-04T12:00:00.000Z')
const SETTINGS = { keep: 400 * DAY_MS, reads: 'on', readsKeep: 7 * DAY_MS } as const

describe('AuditRotation', () => {
  let logLines: string[]

  async function rotateOnce(pruneAudit: Catalog['pruneAudit']): Promise<void> {
    logLines = []
    const log = pino({}, { write: (line: string) => logLines.push(line) })
    await new AuditRotation({
      catalog: { pruneAudit },
      settings: () => SETTINGS,
      log,
      now: () => NOW,
    }).close()
  }

  it('removes at the start what is older than the settings say, reads sooner than changes', async () => {
    const asked: (readonly [string, string])[] = []
    await rotateOnce((which, olderThan) => {
      asked.push([which, olderThan.toISOString()])
      return Promise.resolve(5)
    })
    assert.deepEqual(asked, [
      ['reads', '2026-02-25T12:00:00.000Z'],
      ['all', '2025-01-28T12:00:00.000Z'],
    ])
    assert.match(logLines.join(''), /"reads":5,"others":5,.*removed old entries/)
  })

  it('says nothing where there is nothing to remove', async () => {
    await rotateOnce(() => Promise.resolve(0))
    assert.deepEqual(logLines, [])
  })

  it('survives a catalog that cannot be written now', async () => {
    await rotateOnce(() => Promise.reject(new AppError('storage-full', 'no space')))
    assert.match(logLines.join(''), /could not be removed/)
  })
})
