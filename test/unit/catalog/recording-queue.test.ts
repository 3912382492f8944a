import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RecordingQueue } from '../../../src/catalog/recording-queue.ts'
import { type Writer } from '../../../src/catalog/sqlite-connection.ts'
import { openWriter } from '../../../src/catalog/sqlite-file.ts'
import { type Recording } from '../../../src/catalog/sqlite-record.ts'
import { WriteQueue } from '../../../src/catalog/write-queue.ts'
import { AppError } from '../../../src/errors.ts'
import { actor, newVersion, RULES, versionId } from '../../support/catalog-samples.ts'

describe('RecordingQueue', () => {
  let folder: string
  let writes: WriteQueue
  let transactions: number
  let queue: RecordingQueue

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-recording-'))
    writes = new WriteQueue(await openWriter(join(folder, 'catalog.db')))
    transactions = 0
    queue = new RecordingQueue(<T>(fn: (tx: Writer) => T) => {
      transactions += 1
      return writes.write(fn)
    })
  })

  afterEach(async () => {
    await queue.settle()
    await writes.close()
    await rm(folder, { recursive: true })
  })

  function recording(version: string): Recording {
    return { version: newVersion(versionId('demo', version)), rules: RULES, by: actor() }
  }

  function versions(count: number): string[] {
    return Array.from({ length: count }, (_, minor) => `1.${minor}.0`)
  }

  it('records what comes at the same time in one transaction', async () => {
    const outcomes = await Promise.all(versions(20).map((version) => queue.record(recording(version))))
    assert.ok(outcomes.every(({ outcome }) => outcome === 'created'))
    assert.equal(transactions, 1)
  })

  it('records no more in one transaction than hold the lock for some milliseconds', async () => {
    await Promise.all(versions(70).map((version) => queue.record(recording(version))))
    assert.equal(transactions, 3)
  })

  it('rejects the one that fails, and records the others', async () => {
    const sound = recording('1.0.0')
    const broken: Recording = { ...recording('2.0.0'), by: { ...actor(), at: new Date(Number.NaN) } }
    const [first, failed, last] = await Promise.allSettled([
      queue.record(sound),
      queue.record(broken),
      queue.record(recording('3.0.0')),
    ])
    assert.ok(first.status === 'fulfilled' && first.value.outcome === 'created')
    assert.ok(failed.status === 'rejected' && failed.reason instanceof RangeError)
    assert.ok(last.status === 'fulfilled' && last.value.outcome === 'created')
  })

  it('rejects all when nothing can be written, and goes on when it can be again', async () => {
    const sound = queue
    let isFull = true
    queue = new RecordingQueue(<T>(fn: (tx: Writer) => T) =>
      isFull ? Promise.reject(new AppError('storage-full', 'no room')) : writes.write(fn),
    )
    const refused = versions(3).map((version) =>
      assert.rejects(queue.record(recording(version)), { code: 'storage-full' }),
    )
    await Promise.all(refused)
    isFull = false
    assert.equal((await queue.record(recording('1.0.0'))).outcome, 'created')
    await sound.settle()
  })

  it('settles once what was asked for is recorded', async () => {
    const recorded = queue.record(recording('1.0.0'))
    await queue.settle()
    assert.equal((await recorded).outcome, 'created')
    await queue.settle()
  })
})
