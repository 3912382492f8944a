import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { dump } from 'js-yaml'
import { chart } from '../support/chart-builder.ts'
import { eventually } from '../support/eventually.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'
import { UpstreamServer, type UpstreamAnswer } from '../support/upstream-server.ts'

const UPSTREAM_CHARTS = ['nginx', 'redis', 'internal'] as const

const READ_MEMBERS = ['all', 'mirror', 'late', 'broken']

const ACCESS = [
  {
    who: { ou: 'administrators' },
    may: ['read', 'publish', 'overwrite', 'delete', 'create', 'admin'],
    repositories: 'all',
  },
  // Of the local repository, nothing.
  { who: { cn: 'outsider' }, may: ['read'], repositories: READ_MEMBERS },
]

describe('a virtual repository over a mirror', () => {
  let upstream: UpstreamServer
  let server: TestServer
  let admin: TestPeer
  let outsider: TestPeer

  before(async () => {
    upstream = await UpstreamServer.start()
    upstream.answers = await answersFor(UPSTREAM_CHARTS)
    const mirrorOf = (path: string): object => ({
      upstreams: [
        {
          name: 'up',
          url: `${upstream.url('').href.replace(/\/$/, '')}${path}`,
          insecure: true,
          privateAddresses: ['127.0.0.0/8'],
        },
      ],
    })
    server = await TestServer.start({
      settings: {
        access: ACCESS,
        audit: { reads: 'on' },
        repositories: [
          { name: 'local' },
          { name: 'mirror', mirror: mirrorOf('') },
          { name: 'broken', mirror: mirrorOf('/nothing-here') },
          { name: 'all', virtual: ['local', 'mirror'] },
          { name: 'late', virtual: ['local', 'broken', 'mirror'] },
        ],
      },
    })
    admin = await server.admin()
    outsider = await server.ca.client({ cn: 'outsider' })
    const reply = await server.request(admin, 'POST', '/api/local/charts', {
      body: await chart({ name: 'internal', version: '1.0.0' }),
    })
    assert.equal(reply.status, 201, reply.reason)
  })

  after(async () => {
    await server.close()
    await upstream.close()
  })

  /** An index and the archives that it names, all of version 9.0.0. */
  async function answersFor(names: readonly string[]): Promise<Record<string, UpstreamAnswer>> {
    const answers: Record<string, UpstreamAnswer> = {}
    const entries: Record<string, object[]> = {}
    for (const name of names) {
      const archive = await chart({ name, version: '9.0.0' })
      const digest = createHash('sha256').update(archive).digest('hex')
      const file = `files/${name}-9.0.0.tgz`
      entries[name] = [{ apiVersion: 'v2', name, version: '9.0.0', digest, urls: [file] }]
      answers[`/${file}`] = (response) => response.end(archive)
    }
    const index = dump({ apiVersion: 'v1', entries })
    return { ...answers, '/index.yaml': (response) => response.end(index) }
  }

  async function get(path: string, peer = admin): Promise<Reply> {
    return server.request(peer, 'GET', path)
  }

  function fetched(name: string): number {
    return upstream.requests.filter(({ url }) => url === `/files/${name}-9.0.0.tgz`).length
  }

  it('fetches a chart for who asks before any index was read', async () => {
    const reply = await get('/all/charts/nginx-9.0.0.tgz', outsider)
    assert.equal(reply.status, 200, reply.reason)
    assert.equal(fetched('nginx'), 1)
    assert.deepEqual((await get('/mirror/charts/nginx-9.0.0.tgz')).bytes, reply.bytes)
    assert.equal((await get('/all/charts/nginx-9.0.0.tgz.prov', outsider)).status, 200)
    assert.equal(fetched('nginx'), 1)
  })

  it('lists what the mirror offers, fetched or not, and hides the names of the local repository', async () => {
    const { entries } = jsonOf(await get('/all/index.yaml')) as { entries: Record<string, object[]> }
    assert.deepEqual(Object.keys(entries), ['internal', 'nginx', 'redis'])
    const hidden = jsonOf(await get('/all/index.yaml', outsider)) as typeof jsonOf & { entries: object }
    assert.deepEqual(Object.keys(hidden.entries), ['nginx', 'redis'])
    assert.equal(fetched('redis'), 0)
  })

  it('never asks the upstream for a chart whose name is local', async () => {
    for (const peer of [admin, outsider]) {
      for (const path of [
        '/all/charts/internal-9.0.0.tgz',
        '/all/charts/internal-9.0.0.tgz.prov',
        '/api/all/charts/internal/9.0.0',
        '/api/all/charts/internal/9.0.0/values',
      ]) {
        assert.equal((await get(path, peer)).status, 404, path)
      }
    }
    assert.equal(fetched('internal'), 0)
    assert.equal((await get('/mirror/charts/internal-9.0.0.tgz', outsider)).status, 200, 'it is there')
  })

  it('serves values of a chart that has to be fetched for them', async () => {
    const reply = await get('/api/all/charts/redis/latest/values', outsider)
    assert.equal(reply.status, 200, reply.reason)
    assert.match(reply.bytes.toString(), /greeting/)
  })

  it('is told in the audit trail as a read of the mirror', async () => {
    await eventually(async () => {
      const rows = jsonOf(await get('/api/audit?repository=mirror&action=read')) as {
        chart: string
        detail: string
      }[]
      const details = rows.filter((row) => row.chart === 'redis').map(({ detail }) => detail)
      assert.deepEqual(details, ['values through all'])
    })
  })

  describe('that cannot be read', () => {
    it('serves the charts of the members before it', async () => {
      assert.equal((await get('/late/charts/internal-1.0.0.tgz')).status, 200)
      assert.equal((await get('/api/late/charts/internal')).status, 200)
    })

    it('puts no later member’s chart in the place of one that it may have', async () => {
      for (const path of ['/late/charts/nginx-9.0.0.tgz', '/api/late/charts/nginx', '/late/index.yaml']) {
        assert.ok([502, 503].includes((await get(path)).status), path)
      }
    })
  })
})
