import assert from 'node:assert/strict'
import { pino } from 'pino'
import { ReadAudit } from '../../../src/app/read-audit.ts'
import { type AuditEntry, type Catalog } from '../../../src/catalog/catalog.ts'
import { AppError } from '../../../src/errors.ts'
import { Metrics } from '../../../src/ops/metrics.ts'
import { actor } from '../../support/catalog-samples.ts'

const READ: AuditEntry = { ...actor(), action: 'read', outcome: 'done' }

describe('ReadAudit', () => {
  let written: number[]
  let logLines: string[]
  let metrics: Metrics
  let failure: AppError | undefined

  beforeEach(() => {
    written = []
    logLines = []
    metrics = new Metrics()
    failure = undefined
  })

  function open(reads: 'on' | 'off' = 'on'): ReadAudit {
    const catalog: Pick<Catalog, 'appendAudit'> = {
      appendAudit: (...entries) => {
        if (failure !== undefined) return Promise.reject(failure)
        written.push(entries.length)
        return Promise.resolve()
      },
    }
    return new ReadAudit({
      catalog,
      settings: () => ({ keep: 0, readsKeep: 0, reads }),
      log: pino({}, { write: (line: string) => logLines.push(line) }),
      metrics,
    })
  }

  async function dropped(): Promise<number | undefined> {
    return (await metrics.droppedReads.get()).values[0]?.value
  }

  it('writes nothing where reads are off', async () => {
    const audit = open('off')
    audit.note(READ)
    await audit.close()
    assert.deepEqual(written, [])
  })

  it('makes nobody wait: what is noted is written later, many at a time', async () => {
    const audit = open()
    for (let count = 0; count < 150; count += 1) audit.note(READ)
    assert.deepEqual(written, [])
    await audit.close()
    assert.deepEqual(written, [100, 50])
    assert.equal(await dropped(), 0)
  })

  it('counts what is too much, and keeps the rest', async () => {
    const audit = open()
    for (let count = 0; count < 1003; count += 1) audit.note(READ)
    await audit.close()
    assert.equal(
      written.reduce((sum, count) => sum + count, 0),
      1000,
    )
    assert.equal(await dropped(), 3)
  })

  it('counts and logs what cannot be written', async () => {
    failure = new AppError('storage-full', 'no space')
    const audit = open()
    audit.note(READ)
    await audit.close()
    assert.equal(await dropped(), 1)
    assert.match(logLines.join(''), /reads could not be written/)
  })
})
