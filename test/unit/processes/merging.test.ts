import assert from 'node:assert/strict'
import { Metrics } from '../../../src/ops/metrics.ts'
import { type Readiness } from '../../../src/ops/readiness.ts'
import { MergedMetrics } from '../../../src/processes/merged-metrics.ts'
import { mergeReadiness } from '../../../src/processes/merged-readiness.ts'
import { RestartPause } from '../../../src/processes/restart-pause.ts'

describe('what several processes say', () => {
  describe('in metrics', () => {
    async function rendered(merged: MergedMetrics, name: string): Promise<readonly string[]> {
      return (await merged.render([])).split('\n').filter((line) => line.startsWith(name))
    }

    async function worker(failed: number): Promise<Metrics> {
      const metrics = new Metrics()
      metrics.failedHandshakes.inc(failed)
      metrics.requestsInFlight.set(failed)
      metrics.webhookBacklog.set(failed)
      metrics.expiry.set({ what: 'server certificate' }, failed)
      return Promise.resolve(metrics)
    }

    it('adds up totals and what is under way; of expiries the first, of backlogs the longest', async () => {
      const merged = new MergedMetrics()
      merged.note(1, await (await worker(3)).registry.getMetricsAsJSON())
      merged.note(2, await (await worker(4)).registry.getMetricsAsJSON())
      assert.deepEqual(await rendered(merged, 'chartroom_failed'), ['chartroom_failed_handshakes_total 7'])
      assert.deepEqual(await rendered(merged, 'chartroom_requests_in'), ['chartroom_requests_in_flight 7'])
      assert.deepEqual(await rendered(merged, 'chartroom_webhook_backlog'), ['chartroom_webhook_backlog 4'])
      assert.deepEqual(await rendered(merged, 'chartroom_expiry'), [
        'chartroom_expiry_timestamp_seconds{what="server certificate"} 3',
      ])
    })

    it('keeps the totals of one that has ended, and nothing else of it', async () => {
      const merged = new MergedMetrics()
      for (const pid of [1, 2, 3]) merged.note(pid, await (await worker(pid)).registry.getMetricsAsJSON())
      merged.ended(1)
      merged.ended(2)
      merged.ended(2)
      assert.deepEqual(await rendered(merged, 'chartroom_failed'), ['chartroom_failed_handshakes_total 6'])
      assert.deepEqual(await rendered(merged, 'chartroom_requests_in'), ['chartroom_requests_in_flight 3'])
    })
  })

  describe('of their readiness', () => {
    const input = { name: 'configuration', loadedAt: new Date(2000) }
    const well: Readiness = { ready: true, checks: { catalog: 'ok', blobs: 'ok' }, inputs: [input] }

    it('is ready when each is', () => {
      assert.deepEqual(mergeReadiness(2, [well, well]), { ...well, workers: { ready: 2, expected: 2 } })
      assert.equal(mergeReadiness(2, [well]).ready, false)
      assert.deepEqual(mergeReadiness(2, [well, undefined]).workers, { ready: 1, expected: 2 })
    })

    it('tells the worst of each check and input', () => {
      const failed = { ...input, loadedAt: new Date(3000), error: 'broken' }
      const ill: Readiness = { ready: false, checks: { catalog: 'locked', blobs: 'ok' }, inputs: [failed] }
      const older: Readiness = { ...well, inputs: [{ ...input, loadedAt: new Date(1000) }] }
      const merged = mergeReadiness(3, [well, ill, older])
      assert.equal(merged.ready, false)
      assert.deepEqual({ ...merged.checks }, { catalog: 'locked', blobs: 'ok' })
      assert.deepEqual(merged.inputs, [failed])
      assert.deepEqual(mergeReadiness(2, [well, older]).inputs, older.inputs)
    })
  })

  it('lets a place stay empty for longer each time that a worker dies right after its start', () => {
    const pause = new RestartPause()
    assert.deepEqual(
      [1, 1, 1].map((lived) => pause.next(lived)),
      [500, 1000, 2000],
    )
    for (let times = 0; times < 10; times += 1) pause.next(1)
    assert.equal(pause.next(1), 30_000)
    assert.deepEqual(
      [60_000, 1].map((lived) => pause.next(lived)),
      [0, 500],
    )
  })
})
