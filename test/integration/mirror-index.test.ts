import { createHash } from 'node:crypto'
import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dump, load } from 'js-yaml'
import { chart } from '../support/chart-builder.ts'
import { eventually } from '../support/eventually.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, type Reply, TestServer } from '../support/test-server.ts'
import { UpstreamServer, type UpstreamAnswer } from '../support/upstream-server.ts'

const HOUR_MS = 3_600_000
const TTL_MS = 600_000

interface Listed {
  readonly version: string
  /** Stands for the archive's bytes. */
  readonly content?: string | Buffer
  readonly created?: Date
  readonly description?: string
}

type Charts = Readonly<Record<string, readonly (string | Listed)[]>>

describe('the index of a mirror', function () {
  this.timeout(20_000)

  let upstream: UpstreamServer
  let other: UpstreamServer
  let server: TestServer
  let reader: TestPeer
  let clock: Date

  beforeEach(async () => {
    upstream = await UpstreamServer.start()
    other = await UpstreamServer.start()
    clock = new Date()
  })

  afterEach(async () => {
    await server.close()
    await upstream.close()
    await other.close()
  })

  async function start(
    mirror: Readonly<Record<string, unknown>> = {},
    upstreams = [upstreamSettings('first', upstream)],
  ): Promise<void> {
    const repositories = [{ name: 'mirror', mirror: { ...mirror, upstreams } }]
    server = await TestServer.start({ settings: { repositories }, now: () => clock })
    reader = await server.reader()
  }

  async function get(headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return server.request(reader, 'GET', '/mirror/index.yaml', { headers })
  }

  /** Each chart's versions, from the newest. */
  async function listed(): Promise<Readonly<Record<string, readonly string[]>>> {
    const reply = await get()
    equal(reply.status, 200, textOf(reply))
    const { entries } = load(textOf(reply)) as { entries: Record<string, { version: string }[]> }
    return Object.fromEntries(
      Object.entries(entries).map(([name, versions]) => [name, versions.map(({ version }) => version)]),
    )
  }

  async function becomes(expected: Readonly<Record<string, readonly string[]>>): Promise<void> {
    await eventually(async () => {
      deepEqual(await listed(), expected)
    })
  }

  /** Past the time for which an index counts as fresh. */
  function pass(ms = TTL_MS): void {
    clock = new Date(clock.getTime() + ms)
  }

  /** The next reading has ended, whatever came of it. */
  async function reread(from = upstream): Promise<void> {
    const before = from.requests.length
    pass()
    await get()
    await eventually(() => {
      ok(from.requests.length > before)
    })
  }

  async function isFresh(): Promise<void> {
    await eventually(async () => {
      equal((await get()).headers['cache-status'], 'chartroom; hit; ttl=600')
    })
  }

  async function configure(
    mirror: Readonly<Record<string, unknown>>,
    upstreams: readonly Readonly<Record<string, unknown>>[],
  ): Promise<void> {
    const file = join(server.folder, 'chartroom.yaml')
    const settings = load(await readFile(file, 'utf8')) as Record<string, unknown>
    settings['repositories'] = [{ name: 'mirror', mirror: { ...mirror, upstreams } }]
    await writeFile(file, dump(settings))
    await server.reload()
  }

  function log(message: string): readonly string[] {
    return server.logLines.filter((line) => line.includes(message))
  }

  async function audit(action: string): Promise<readonly { readonly detail?: string }[]> {
    const reply = await server.request(await server.admin(), 'GET', `/api/audit?action=${action}`)
    equal(reply.status, 200)
    return jsonOf(reply) as readonly { readonly detail?: string }[]
  }

  it('is what the upstream has, under our URLs', async () => {
    upstream.answers = index({ demo: ['1.0.0', '1.10.0', '1.9.0'], other: ['0.1.0'] })
    await start()
    const reply = await get()
    equal(reply.status, 200)
    equal(reply.headers['cache-status'], 'chartroom; hit; ttl=600')
    deepEqual(await listed(), { demo: ['1.10.0', '1.9.0', '1.0.0'], other: ['0.1.0'] })
    match(textOf(reply), /charts\/demo-1\.10\.0\.tgz/)
    ok(!textOf(reply).includes(String(upstream.port)))
    equal(upstream.requests.length, 1, 'read once for all')
    equal((await get({ 'if-none-match': String(reply.headers.etag) })).status, 304)
  })

  it('has what appears upstream, and no more what vanishes there', async () => {
    upstream.answers = index({ demo: ['1.0.0', '2.0.0'], old: ['1.0.0'] })
    await start()
    deepEqual(await listed(), { demo: ['2.0.0', '1.0.0'], old: ['1.0.0'] })
    upstream.answers = index({ demo: ['2.0.0', '3.0.0'], new: ['1.0.0'] })
    pass()
    const stale = await get()
    equal(stale.headers['cache-status'], 'chartroom; hit; ttl=0')
    match(textOf(stale), /old/, 'nobody waits for what is read behind')
    await becomes({ demo: ['3.0.0', '2.0.0'], new: ['1.0.0'] })
    equal((await get()).headers['cache-status'], 'chartroom; hit; ttl=600')
    const details = (await audit('mirror-refresh')).map(({ detail }) => detail)
    ok(details[0]?.startsWith('first: 2 new or changed, 2 gone'), details[0])
  })

  it('is read again only if it has changed', async () => {
    const answer: UpstreamAnswer = (response, { headers }) => {
      if (headers['if-none-match'] === '"one"') response.writeHead(304).end()
      else response.writeHead(200, { etag: '"one"' }).end(indexText({ demo: ['1.0.0'] }))
    }
    upstream.answers = { '/index.yaml': answer }
    await start()
    const { etag } = (await get()).headers
    await reread()
    await isFresh()
    equal((await get()).headers.etag, etag)
    upstream.answers = index({ demo: ['1.0.0'] }, { etag: '"two"' })
    await reread()
    await isFresh()
    equal((await get()).headers.etag, etag, 'the same bytes are no change')
    equal(log('index was read').length, 1)
  })

  it('keeps a version whose digest changes upstream, and says so once', async () => {
    upstream.answers = index({ demo: [{ version: '1.0.0', description: 'genuine' }] })
    await start()
    await listed()
    for (const description of ['changed', 'changed again']) {
      upstream.answers = index({ demo: [{ version: '1.0.0', content: 'other', description }, '1.1.0'] })
      await reread()
      await becomes({ demo: ['1.1.0', '1.0.0'] })
      await isFresh()
    }
    match(textOf(await get()), /genuine/)
    const alarms = await audit('mirror-alarm')
    equal(alarms.length, 1)
    match(alarms[0]?.detail ?? '', /^digest-changed, first: its index says sha256:[0-9a-f]{64} now/)
    equal(log('an upstream has something else').length, 1)
    const metrics = await (await fetch(`${server.opsUrl}/metrics`)).text()
    match(metrics, /chartroom_mirror_alarms_total\{kind="digest-changed"\} 1/)
    match(
      metrics,
      /chartroom_mirror_refreshes_total\{repository="mirror",upstream="first",outcome="changed"\} 3/,
    )
  })

  it('gives all versions of a chart to the first upstream that has its name, also later', async () => {
    upstream.answers = index({ demo: ['1.0.0'] })
    other.answers = index({ demo: ['9.0.0'], shared: ['1.0.0', '2.0.0'] })
    await start({}, [upstreamSettings('first', upstream), upstreamSettings('second', other)])
    deepEqual(await listed(), { demo: ['1.0.0'], shared: ['2.0.0', '1.0.0'] })
    upstream.answers = index({ shared: ['1.0.0'] })
    pass()
    await becomes({ demo: ['9.0.0'], shared: ['1.0.0'] })
  })

  it('offers nothing of a later upstream before the first one has answered', async () => {
    upstream.answers = { '/index.yaml': (response) => response.writeHead(500).end() }
    other.answers = index({ demo: ['9.0.0'] })
    await start({}, [upstreamSettings('first', upstream), upstreamSettings('second', other)])
    const reply = await get()
    equal(reply.status, 503)
    match(reply.reason, /mirror has not been read from its upstream yet: localhost:\d+ answered 500/)
    equal(other.requests.length, 0)
    equal((await get()).status, 503)
    equal(upstream.requests.length, 1, 'it is left alone for a while')
    upstream.answers = index({ demo: ['1.0.0'] })
    pass()
    deepEqual(await listed(), { demo: ['1.0.0'] })
  })

  it('asks at once after a change of the settings, whatever failed before', async () => {
    upstream.answers = { '/index.yaml': (response) => response.writeHead(500).end() }
    other.answers = index({ demo: ['9.0.0'] })
    await start()
    equal((await get()).status, 503)
    equal((await get()).status, 503)
    equal(upstream.requests.length, 1)
    pass(1)
    await configure({}, [upstreamSettings('first', other)])
    deepEqual(await listed(), { demo: ['9.0.0'] })
  })

  it('holds new versions back until they have aged, and believes dates only the first time', async () => {
    const old = new Date(clock.getTime() - 2 * HOUR_MS)
    upstream.answers = index({
      demo: [
        { version: '1.0.0', created: old },
        { version: '1.1.0', created: clock },
      ],
    })
    await start({ quarantine: '1h' })
    deepEqual(await listed(), { demo: ['1.0.0'] })
    const both = [
      { version: '1.0.0', created: old },
      { version: '2.0.0', created: old },
    ]
    upstream.answers = index({ demo: [...both, { version: '1.1.0', created: clock }] })
    await reread()
    await isFresh()
    deepEqual(await listed(), { demo: ['1.0.0'] }, 'a date of before the first reading does not count')
    pass(HOUR_MS - TTL_MS)
    await becomes({ demo: ['1.1.0', '1.0.0'] })
    pass()
    await becomes({ demo: ['2.0.0', '1.1.0', '1.0.0'] })
  })

  it('lets nothing through unasked where it has to be approved', async () => {
    upstream.answers = index({ demo: ['1.0.0'] })
    await start({ approve: true })
    deepEqual(await listed(), {})
  })

  it('stays as it is when the upstream fails, and tells why', async () => {
    upstream.answers = index({ demo: ['1.0.0'] })
    await start({ onUpstreamDelete: 'withdraw' })
    const before = await get()
    const text = indexText({ demo: ['2.0.0'] })
    const failures: readonly (readonly [UpstreamAnswer, RegExp])[] = [
      [(response) => response.writeHead(500).end(), /answered 500/],
      [(response) => response.writeHead(404).end(), /there is no \/index\.yaml/],
      [(response) => response.end('<html><body>Welcome</body></html>'), /localhost/],
      [
        (response) => {
          response.writeHead(200, { 'content-length': text.length }).write(text.slice(0, 40))
          setImmediate(() => response.destroy())
        },
        /localhost/,
      ],
      [(response) => response.end(text.slice(0, -20)), /localhost/],
      [
        (response) => {
          response.writeHead(200, { 'content-length': 2 ** 40 }).flushHeaders()
        },
        /bytes/,
      ],
      [(response) => response.end(indexText({})), /its index is empty, and had 1 versions before/],
    ]
    for (const [place, [answer, reason]] of failures.entries()) {
      upstream.answers = { '/index.yaml': answer }
      await reread()
      await eventually(() => {
        equal(log('what was there stays').length, place + 1)
      })
      const reply = await get()
      match(String(reply.headers['cache-status']), /^chartroom; hit; ttl=-?\d+; detail="first: /)
      match(String(reply.headers['cache-status']), reason)
      equal(reply.headers.etag, before.headers.etag)
    }
    upstream.answers = { '/index.yaml': (response) => response.end(text) }
    pass()
    await becomes({ demo: ['2.0.0'] })
  })

  it('withdraws what was deleted upstream where it is told to, and not what the filters leave out', async () => {
    const charts = await Promise.all(
      ['a', 'b', 'c'].map(async (name) => ({ name, archive: await chart({ name, version: '1.0.0' }) })),
    )
    const answers = (names: string): Record<string, UpstreamAnswer> => {
      const there = charts.filter(({ name }) => names.includes(name))
      const listing = there.map(
        ({ name, archive }) => [name, [{ version: '1.0.0', content: archive }]] as const,
      )
      const files = there.map(({ name, archive }): [string, UpstreamAnswer] => [
        `/charts/${name}-1.0.0.tgz`,
        (response) => response.end(archive),
      ])
      return { ...index(Object.fromEntries(listing)), ...Object.fromEntries(files) }
    }
    upstream.answers = answers('abc')
    await start({ onUpstreamDelete: 'withdraw' })
    for (const { name } of charts) {
      equal((await server.request(reader, 'GET', `/mirror/charts/${name}-1.0.0.tgz`)).status, 200)
    }
    const excluding = { ...upstreamSettings('first', upstream), exclude: [{ chart: 'b' }] }
    upstream.answers = answers('bc')
    await configure({ onUpstreamDelete: 'withdraw' }, [excluding])
    pass()
    await becomes({ b: ['1.0.0'], c: ['1.0.0'] })
    const [entry] = await audit('delete')
    equal(entry?.detail, 'first has it no more')
    equal((await server.request(reader, 'GET', '/mirror/charts/a-1.0.0.tgz')).status, 404)
  })

  it('leaves out what makes no sense, and says so', async () => {
    upstream.answers = index({ demo: ['1.0.0', 'not-a-version'] })
    await start()
    deepEqual(await listed(), { demo: ['1.0.0'] })
    const [entry] = await audit('mirror-refresh')
    match(entry?.detail ?? '', /1 refused: demo not-a-version: /)
    equal(log('entries that make no sense').length, 1)
  })

  it('asks nobody when it is offline', async () => {
    upstream.answers = index({ demo: ['1.0.0'] })
    await start({ offline: true })
    const reply = await get()
    equal(reply.status, 503)
    match(reply.reason, /has not been read from its upstream yet, and is offline/)
    equal(upstream.requests.length, 0)
  })

  it('follows the configuration: other filters, another upstream, another mode', async () => {
    upstream.answers = index({ demo: ['1.0.0'], other: ['1.0.0'] })
    other.answers = index({ third: ['1.0.0'] })
    await start()
    deepEqual(await listed(), { demo: ['1.0.0'], other: ['1.0.0'] })
    await configure({}, [{ ...upstreamSettings('first', upstream), exclude: [{ chart: 'other' }] }])
    pass()
    await becomes({ demo: ['1.0.0'] })
    await configure({}, [upstreamSettings('second', other)])
    await becomes({ third: ['1.0.0'] })
    await configure({ mode: 'sync' }, [upstreamSettings('second', other)])
    pass()
    await becomes({})
  })
})

function textOf({ bytes }: Reply): string {
  return bytes.toString()
}

function upstreamSettings(name: string, { port }: UpstreamServer): Readonly<Record<string, unknown>> {
  const privateAddresses = ['127.0.0.0/8', '::1/128']
  return { name, url: `http://localhost:${port}`, insecure: true, privateAddresses }
}

function index(
  charts: Charts,
  headers: Readonly<Record<string, string>> = {},
): Record<string, UpstreamAnswer> {
  return { '/index.yaml': (response) => response.writeHead(200, headers).end(indexText(charts)) }
}

function indexText(charts: Charts): string {
  const entries = Object.entries(charts).map(([name, versions]) => [
    name,
    versions.map((one) => {
      const { version, content, created, description } =
        typeof one === 'string' ? ({ version: one } as Listed) : one
      const digest = createHash('sha256')
        .update(content ?? `${name} ${version}`)
        .digest('hex')
      const urls = [`charts/${name}-${version}.tgz`]
      return { apiVersion: 'v2', name, version, digest, urls, created, description }
    }),
  ])
  return JSON.stringify({ apiVersion: 'v1', entries: Object.fromEntries(entries) as unknown })
}
