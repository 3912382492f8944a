import assert from 'node:assert/strict'
import { chart } from '../support/chart-builder.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'

const ACCESS = [
  {
    who: { ou: 'administrators' },
    may: ['read', 'publish', 'overwrite', 'delete', 'create', 'admin'],
    repositories: 'all',
  },
  { who: { cn: 'reader' }, may: ['read'], repositories: ['team-a'] },
  { who: { cn: 'scoped' }, may: ['read', 'delete'], repositories: ['team-a'], charts: [{ glob: 'web-*' }] },
]

const CHARTS = [
  { name: 'alpha', version: '1.0.0', metadata: { description: 'Serves Pages', keywords: ['http', 'web'] } },
  { name: 'beta', version: '1.0.0', metadata: { description: 'was a queue' } },
  { name: 'beta', version: '1.1.0', metadata: { description: 'is a stream' } },
  { name: 'beta', version: '2.0.0-rc.1', metadata: { description: 'will be a river' } },
  { name: 'gamma', version: '0.1.0-dev', metadata: { description: 'a river in the making' } },
  { name: 'web-one', version: '1.0.0' },
  { name: 'web-two', version: '1.0.0' },
]

describe('finding charts', () => {
  let server: TestServer
  let admin: TestPeer

  before(async () => {
    server = await TestServer.start({
      settings: { access: ACCESS, repositories: [{ name: 'team-a' }, { name: 'team-b' }] },
    })
    admin = await server.admin()
    for (const source of CHARTS) await publish(source)
  })

  after(async () => {
    await server.close()
  })

  async function publish(source: object): Promise<void> {
    const reply = await server.request(admin, 'POST', '/api/team-a/charts', { body: await chart(source) })
    assert.equal(reply.status, 201, reply.reason)
  }

  async function list(query: string, peer = admin): Promise<Reply> {
    return server.request(peer, 'GET', `/api/team-a/charts${query}`)
  }

  async function namesOf(query: string, peer = admin): Promise<readonly string[]> {
    return Object.keys(jsonOf(await list(query, peer)) as object)
  }

  describe('by text', () => {
    const found: readonly (readonly [query: string, names: readonly string[]])[] = [
      ['?q=web', ['alpha', 'web-one', 'web-two']],
      ['?q=PAGES', ['alpha']],
      ['?q=Serves+Pages', ['alpha']],
      ['?q=http%20web', ['alpha']],
      ['?q=stream', ['beta']],
      ['?q=queue', []],
      ['?q=river', ['gamma']],
      ['?q=alphaserves', []],
      ['?q=nothing', []],
      ['?q=', ['alpha', 'beta', 'gamma', 'web-one', 'web-two']],
      ['?q=.*', []],
    ]
    for (const [query, names] of found) {
      it(`finds ${names.join(', ') || 'nothing'} for ${query}`, async () => {
        assert.deepEqual(await namesOf(query), names)
      })
    }

    it('gives all versions of what it finds, in pages as well', async () => {
      const whole = jsonOf(await list('')) as Record<string, unknown>
      assert.deepEqual(jsonOf(await list('?q=stream')), { beta: whole['beta'] })
      const page = await list('?q=web&offset=1&limit=1')
      assert.deepEqual(Object.keys(jsonOf(page) as object), ['web-one'])
      assert.equal(page.headers['x-total-count'], '3')
    })

    it('finds only what the caller may read', async () => {
      const scoped = await server.ca.client({ cn: 'scoped' })
      assert.deepEqual(await namesOf('?q=web', scoped), ['web-one', 'web-two'])
      assert.equal((await list('?q=alpha', scoped)).headers['x-total-count'], '0')
    })

    it('sees what has been published meanwhile, and not what is gone', async () => {
      await publish({ name: 'alpha', version: '1.0.1', metadata: { description: 'new words' } })
      assert.deepEqual(await namesOf('?q=new+words'), ['alpha'])
      assert.deepEqual(await namesOf('?q=pages'), [])
      await server.request(admin, 'DELETE', '/api/team-a/charts/alpha/1.0.1')
      assert.deepEqual(await namesOf('?q=new+words'), [])
      assert.deepEqual(await namesOf('?q=pages'), ['alpha'])
    })
  })

  describe('in pages', () => {
    const linkTo = (rel: string, offset: number) =>
      `</api/team-a/charts?limit=2&offset=${offset}>; rel="${rel}"`
    const pages: readonly (readonly [query: string, names: readonly string[], link: string | undefined])[] = [
      ['', ['alpha', 'beta', 'gamma', 'web-one', 'web-two'], undefined],
      ['?offset=3', ['web-one', 'web-two'], undefined],
      ['?limit=2', ['alpha', 'beta'], [linkTo('first', 0), linkTo('next', 2), linkTo('last', 4)].join(', ')],
      [
        '?limit=2&offset=2',
        ['gamma', 'web-one'],
        [linkTo('first', 0), linkTo('prev', 0), linkTo('next', 4), linkTo('last', 4)].join(', '),
      ],
      [
        '?limit=2&offset=4',
        ['web-two'],
        [linkTo('first', 0), linkTo('prev', 2), linkTo('last', 4)].join(', '),
      ],
      ['?limit=2&offset=99', [], [linkTo('first', 0), linkTo('prev', 4), linkTo('last', 4)].join(', ')],
    ]
    for (const [query, names, link] of pages) {
      it(`gives ${names.join(', ') || 'nothing'} for ${query || 'no query'}, and leads to the others`, async () => {
        const reply = await list(query)
        assert.deepEqual(Object.keys(jsonOf(reply) as object), names)
        assert.equal(reply.headers['x-total-count'], '5')
        assert.equal(reply.headers['link'], link)
      })
    }

    it('lets nothing of the query out of the link', async () => {
      const { headers } = await list('?limit=1&q=%3E%3B%20rel%3D%22x%22&y=%3Cb%3E')
      assert.match(
        String(headers['link']),
        /^<\/api\/team-a\/charts\?limit=1&q=%3E%3B\+rel%3D%22x%22&y=%3Cb%3E&offset=0>; rel="first"/,
      )
    })
  })

  describe('GET /api/repositories', () => {
    async function repositories(peer: TestPeer): Promise<readonly Record<string, unknown>[]> {
      const reply = await server.request(peer, 'GET', '/api/repositories')
      assert.equal(reply.headers['cache-control'], 'no-store')
      return (jsonOf(reply) as { repositories: Record<string, unknown>[] }).repositories
    }

    it('lists them with their revision and how much is in them', async () => {
      const { revision } = (await repositories(admin)).find(({ name }) => name === 'team-a') ?? {}
      assert.ok(Number(revision) >= CHARTS.length)
      const listed = (await repositories(admin)).map(({ name, charts, versions }) => [name, charts, versions])
      assert.deepEqual(listed, [
        ['', 0, 0],
        ['team-a', 5, 7],
        ['team-b', 0, 0],
      ])
    })

    it('leaves out, and does not count, what the caller may not read', async () => {
      const summary = async (peer: TestPeer) =>
        (await repositories(peer)).map(({ name, charts, versions }) => [name, charts, versions])
      assert.deepEqual(await summary(await server.reader()), [['team-a', 5, 7]])
      assert.deepEqual(await summary(await server.ca.client({ cn: 'scoped' })), [['team-a', 2, 2]])
      assert.deepEqual(await summary(await server.ca.client({ cn: 'nobody' })), [])
    })
  })

  describe('DELETE of a chart', () => {
    it('deletes all its versions at once, and audits each', async () => {
      for (const version of ['1.0.0', '1.10.0', '1.9.0']) await publish({ name: 'doomed', version })
      const reply = await server.request(admin, 'DELETE', '/api/team-a/charts/doomed')
      assert.equal(reply.status, 200, reply.reason)
      assert.deepEqual(jsonOf(reply), { deleted: true, versions: ['1.10.0', '1.9.0', '1.0.0'] })
      assert.equal((await server.request(admin, 'GET', '/api/team-a/charts/doomed')).status, 404)
      assert.equal((await server.request(admin, 'GET', '/team-a/charts/doomed-1.9.0.tgz')).status, 404)
      const audit = jsonOf(await server.request(admin, 'GET', '/api/audit?action=delete&limit=3')) as {
        chart: string
        version: string
      }[]
      assert.deepEqual(
        audit.map(({ chart: name, version }) => [name, version]),
        [
          ['doomed', '1.0.0'],
          ['doomed', '1.9.0'],
          ['doomed', '1.10.0'],
        ],
      )
    })

    it('deletes nothing for who may not delete that chart', async () => {
      const scoped = await server.ca.client({ cn: 'scoped' })
      const reply = await server.request(scoped, 'DELETE', '/api/team-a/charts/beta')
      assert.deepEqual(
        [reply.status, reply.reason],
        [403, 'Forbidden: "scoped" may not delete from "beta" in team-a'],
      )
      assert.deepEqual(await namesOf('?q=beta'), ['beta'])
    })
  })
})
