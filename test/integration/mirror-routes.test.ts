import assert from 'node:assert/strict'
import { type MirrorStatus } from '../../src/mirror/status.ts'
import { ChartUpstream } from '../support/chart-upstream.ts'
import { eventually } from '../support/eventually.ts'
import { assertStored } from '../support/leftovers.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'

const MINUTE_MS = 60_000

type Status = MirrorStatus & { readonly syncing?: { readonly by: string } }

describe('a server with a mirror that is synchronised', function () {
  this.timeout(20_000)

  let upstream: ChartUpstream
  let server: TestServer
  let admin: TestPeer
  let clock: Date

  beforeEach(async () => {
    upstream = await ChartUpstream.start()
    clock = new Date()
  })

  afterEach(async () => {
    await server.close()
    await upstream.close()
  })

  async function start(mirror: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const repositories = [
      { name: 'mirror', mirror: { mode: 'sync', upstreams: [upstream.settings()], ...mirror } },
      { name: 'team-a' },
    ]
    server = await TestServer.start({ settings: { repositories }, now: () => clock })
    admin = await server.admin()
  }

  async function post(route: string, body?: unknown): Promise<Reply> {
    const options = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }
    return server.request(admin, 'POST', `/api/mirror/upstreams/${route}`, options)
  }

  async function status(): Promise<Status> {
    const reply = await server.request(admin, 'GET', '/api/mirror/upstreams')
    assert.equal(reply.status, 200, reply.bytes.toString())
    return jsonOf(reply) as Status
  }

  async function sync(): Promise<Status> {
    const reply = await post('sync')
    assert.equal(reply.status, 202, reply.bytes.toString())
    return ended()
  }

  async function ended(): Promise<Status> {
    let found: Status | undefined
    await eventually(async () => {
      found = await status()
      assert.equal(found.syncing, undefined)
    })
    assert.ok(found)
    return found
  }

  async function listed(): Promise<readonly string[]> {
    const reply = await server.request(admin, 'GET', '/mirror/index.yaml')
    assert.equal(reply.status, 200)
    const { entries } = JSON.parse(reply.bytes.toString()) as {
      entries: Record<string, readonly { name: string; version: string }[]>
    }
    return Object.values(entries).flatMap((versions) =>
      versions.map(({ name, version }) => `${name} ${version}`),
    )
  }

  async function metric(name: string): Promise<string> {
    const response = await fetch(`${server.opsUrl}/metrics`)
    const lines = (await response.text()).split('\n').filter((line) => line.startsWith(name))
    return lines.join('\n')
  }

  /** Until it is told to go on, the upstream sends nothing of the archive. */
  function stall(path: string): () => void {
    const { [path]: whole } = upstream.server.answers
    const go = Promise.withResolvers<undefined>()
    upstream.answer(path, (response, request) => {
      void go.promise.then(() => whole?.(response, request))
    })
    return () => {
      go.resolve(undefined)
    }
  }

  it('lists what is stored, and nothing else', async () => {
    await upstream.add({ version: '1.0.0' })
    await upstream.add({ version: '1.1.0' }, { digest: 'f'.repeat(64) })
    await start()
    const { upstreams, lastSync } = await sync()
    assert.deepEqual(await listed(), ['demo 1.0.0'])
    assert.equal(upstreams[0]?.listed, 0)
    assert.equal(upstreams[0].stored, 1)
    assert.match(lastSync?.summary ?? '', /^1 fetched, 0 unchanged, 0 held, 1 refused$/)
    const unlisted = await server.request(admin, 'GET', '/mirror/charts/demo-1.1.0.tgz')
    assert.equal(unlisted.status, 404)
    assert.equal(lastSync?.complete, false)
    assert.match(await metric('chartroom_mirror_syncs_total'), /outcome="incomplete"} 1$/)
    assert.doesNotMatch(
      await metric('chartroom_mirror_last_sync_timestamp_seconds'),
      /repository="mirror"} \d/,
    )
    upstream.remove('demo', '1.1.0')
    assert.equal((await sync()).lastSync?.complete, true)
    assert.match(await metric('chartroom_mirror_last_sync_timestamp_seconds'), /repository="mirror"} \d/)
    assert.equal(server.logLines.filter((line) => line.includes('a mirror was synchronised')).length, 2)
  })

  it('says what runs, and does not begin it twice', async () => {
    await upstream.add()
    await start()
    const goOn = stall('/demo-0.1.0.tgz')
    const begun = await post('sync')
    assert.equal(begun.status, 202)
    assert.match(
      begun.bytes.toString(),
      /^{"repository":"mirror","syncing":{"since":"20[^"]+","by":"built-in cn:\\"admin\\""}}/,
    )
    await eventually(() => {
      assert.equal(upstream.archiveRequests.length, 1)
    })
    const again = await post('sync')
    assert.equal(again.status, 409)
    assert.match(again.reason, /mirror is being synchronised already/)
    assert.match((await status()).syncing?.by ?? '', /admin/)
    goOn()
    assert.equal((await ended()).upstreams[0]?.stored, 1)
  })

  it('lets an administrator decide on what is held back', async () => {
    await upstream.add({ version: '1.0.0' })
    await upstream.add({ version: '1.1.0' })
    await start({ approve: true })
    assert.equal((await sync()).upstreams[0]?.held, 2)
    const released = await post('release', { chart: 'demo', versions: ['1.1.0'] })
    assert.deepEqual([released.status, jsonOf(released)], [200, { chart: 'demo', versions: ['1.1.0'] }])
    const rejected = await post('reject', { chart: 'demo', versions: ['1.0.0'] })
    assert.equal(rejected.status, 200)
    assert.deepEqual(
      (await sync()).upstreams.map(({ stored, held }) => [stored, held]),
      [[1, 0]],
    )
    assert.deepEqual(await listed(), ['demo 1.1.0'])
    for (const [body, code, reason] of [
      [{ chart: 'demo', versions: ['9.9.9'] }, 404, /offered by no upstream/],
      [{ chart: 'demo', version: '1.0.0' }, 400, /nothing else/],
      [{ chart: '../demo' }, 400, /name/],
    ] as const) {
      const refused = await post('release', body)
      assert.equal(refused.status, code)
      assert.match(refused.reason, reason)
    }
    const trail = await server.request(admin, 'GET', '/api/audit?action=mirror-reject')
    assert.match(trail.bytes.toString(), /"chart":"demo","version":"1.0.0"/)
  })

  it('has nothing to say of a repository that is no mirror', async () => {
    await start()
    assert.equal((await server.request(admin, 'GET', '/api/team-a/upstreams')).status, 404)
    const refused = await server.request(admin, 'POST', '/api/team-a/upstreams/sync')
    assert.deepEqual([refused.status, refused.reason], [400, 'Bad Request: team-a is no mirror'])
  })

  it('asks nobody for one that is offline', async () => {
    await start({ offline: true })
    const refused = await post('sync')
    assert.deepEqual([refused.status, refused.reason], [400, 'Bad Request: mirror is offline by its setting'])
    assert.deepEqual(upstream.server.requests, [])
  })

  it('breaks a sync off when it is stopped, and leaves nothing half done', async () => {
    await upstream.add({ version: '1.0.0' })
    await upstream.add({ version: '1.1.0' })
    await start({ concurrency: 1 })
    stall('/demo-1.1.0.tgz')
    await post('sync')
    await eventually(() => {
      assert.equal(upstream.archiveRequests.length, 2)
    })
    await server.stop()
    assert.match(server.logLines.join(''), /1 fetched, .*1 left for the next run; interrupted/)
    await assertStored(server.config.storage, { blobs: 2 })
  })

  it('synchronises by its schedule', async () => {
    await upstream.add()
    await start({ schedule: '*/5 * * * *', jitter: '0s', ttl: '1h' })
    await eventually(() => {
      assert.ok(upstream.server.requests.length > 0, 'the index is kept fresh without a sync')
    })
    assert.deepEqual(upstream.archiveRequests, [])
    clock = new Date(clock.getTime() + 6 * MINUTE_MS)
    await eventually(async () => {
      assert.deepEqual(await listed(), ['demo 0.1.0'])
    })
    const { lastSync } = await ended()
    assert.equal(lastSync?.by, 'mirror')
  })
})
