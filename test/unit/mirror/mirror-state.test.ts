import { equal } from 'node:assert/strict'
import { Registry } from 'prom-client'
import { type Mirror, type MirrorUpstream } from '../../../src/mirror/mirror.ts'
import { createMirrorState } from '../../../src/mirror/mirror-state.ts'
import { MirrorMetrics } from '../../../src/ops/mirror-metrics.ts'

describe("a mirror's state", () => {
  it('lets an upstream that is slow keep no other waiting', async () => {
    const [slow, quick] = [{ name: 'slow' }, { name: 'quick' }] as [MirrorUpstream, MirrorUpstream]
    const mirror = { repository: 'mirror', settings: { concurrency: 1 }, upstreams: [slow, quick] }
    const mirrors = new MirrorMetrics(new Registry())
    const state = createMirrorState(mirror as unknown as Mirror, {
      metrics: { mirrors },
      now: () => new Date(),
    })
    const { signal } = new AbortController()
    let finish = (): void => undefined
    const first = state.turnsOf(slow).take(() => new Promise<void>((resolve) => (finish = resolve)), signal)
    equal(await state.turnsOf(quick).take(() => Promise.resolve('done'), signal), 'done')
    finish()
    await first
  })
})
