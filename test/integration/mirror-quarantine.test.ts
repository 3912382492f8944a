import { doesNotMatch, equal, match } from 'node:assert/strict'
import { ChartUpstream } from '../support/chart-upstream.ts'
import { eventually } from '../support/eventually.ts'
import { TestServer } from '../support/test-server.ts'

const HOUR_MS = 3_600_000

describe('quarantine', () => {
  it('lets out what has aged while the server was away, without asking the upstream', async () => {
    const upstream = await ChartUpstream.start()
    let clock = new Date()
    await upstream.add({ version: '1.0.0' }, { created: clock.toISOString() })
    const mirror = { quarantine: '1h', ttl: '7d', upstreams: [upstream.settings()] }
    const settings = { repositories: [{ name: 'mirror', mirror }] }
    let server = await TestServer.start({ settings, now: () => clock })
    try {
      const reader = await server.reader()
      const index = async (): Promise<string> =>
        (await server.request(reader, 'GET', '/mirror/index.yaml')).bytes.toString()
      doesNotMatch(await index(), /demo/)
      await server.stop()
      clock = new Date(clock.getTime() + HOUR_MS)
      server = await server.startAgain()
      await eventually(async () => {
        match(await index(), /demo-1\.0\.0\.tgz/)
      })
      equal(upstream.server.requests.length, 1)
    } finally {
      await server.close()
      await upstream.close()
    }
  })
})
