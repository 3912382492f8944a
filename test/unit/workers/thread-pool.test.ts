import assert from 'node:assert/strict'
import { ThreadPool } from '../../../src/workers/thread-pool.ts'
import { type TestJob } from '../../support/test-thread.ts'

describe('ThreadPool', function () {
  this.timeout(60_000)
  let pool: ThreadPool<TestJob>

  function open({ mostThreads = 1, mostWaiting = 100 } = {}): void {
    const script = new URL('../../support/test-thread.ts', import.meta.url)
    pool = new ThreadPool({ script, mostThreads, mostWaiting, limits: { heapMiB: 32 } })
  }

  afterEach(() => pool.close())

  function run(job: TestJob): Promise<unknown> {
    return pool.run(async () => Promise.resolve({ job }))
  }

  function echo(value: string): Promise<unknown> {
    return run({ kind: 'echo', value })
  }

  it('gives each of many callers the result of its own job', async () => {
    open({ mostThreads: 2 })
    const values = Array.from({ length: 50 }, (_, count) => String(count))
    assert.deepEqual(await Promise.all(values.map(echo)), values)
  })

  it('works in the order of asking, and packs a job only once a thread is there for it', async () => {
    open()
    const order: string[] = []
    const jobs = ['first', 'second', 'third'].map(async (value) => {
      await pool.run(async () => {
        order.push(`packed ${value}`)
        return Promise.resolve({ job: { kind: 'echo', value } })
      })
      order.push(`done ${value}`)
    })
    await Promise.all(jobs)
    const each = ['first', 'second', 'third'].flatMap((value) => [`packed ${value}`, `done ${value}`])
    assert.deepEqual(order.toSorted(), each.toSorted())
    for (const value of ['first', 'second']) {
      const next = value === 'first' ? 'second' : 'third'
      assert.ok(order.indexOf(`packed ${next}`) > order.indexOf(`packed ${value}`))
      assert.ok(order.indexOf(`done ${next}`) > order.indexOf(`done ${value}`))
    }
  })

  it('throws what the job threw, with its code, and goes on', async () => {
    open()
    await assert.rejects(run({ kind: 'refuse' }), (error: Error) => {
      assert.equal((error.cause as Error).message, 'beneath')
      return 'code' in error && error.code === 'chart-invalid' && error.message === 'the reason'
    })
    await assert.rejects(run({ kind: 'fail' }), /a defect/)
    assert.equal(await echo('after'), 'after')
  })

  it('throws what the packing threw, and goes on', async () => {
    open()
    await assert.rejects(
      pool.run(() => Promise.reject(new Error('the source has failed'))),
      /source has failed/,
    )
    assert.equal(await echo('after'), 'after')
  })

  it('refuses the one job whose thread runs out of memory, and starts another thread for the next', async () => {
    open()
    const exhausting = run({ kind: 'exhaust' })
    const next = echo('next')
    await assert.rejects(exhausting, { code: 'too-large', message: /more than 32 MiB of memory/ })
    assert.equal(await next, 'next')
  })

  it('refuses the one job whose thread ends, and starts another thread for the next', async () => {
    open()
    const ending = run({ kind: 'exit' })
    const next = echo('next')
    await assert.rejects(ending, { code: 'unavailable', message: /thread that worked on it has failed/ })
    assert.equal(await next, 'next')
  })

  it('refuses a job more than may wait', async () => {
    open({ mostWaiting: 1 })
    const under = echo('under way')
    const waiting = echo('waiting')
    await assert.rejects(echo('too many'), { code: 'unavailable', message: /try again/ })
    assert.deepEqual(await Promise.all([under, waiting]), ['under way', 'waiting'])
  })

  it('refuses what is under way, what waits and what comes when it is closed', async () => {
    open()
    const refused = [run({ kind: 'hang' }), echo('waiting')].map((job) =>
      assert.rejects(job, { code: 'unavailable', message: /shutting down/ }),
    )
    await new Promise(setImmediate)
    await pool.close()
    await Promise.all(refused)
    await assert.rejects(echo('late'), { code: 'unavailable', message: /shutting down/ })
  })

  it('closes, and twice, where no thread was ever needed', async () => {
    open()
    await pool.close()
  })
})
