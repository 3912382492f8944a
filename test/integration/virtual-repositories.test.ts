import assert from 'node:assert/strict'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { chart, type ChartSource } from '../support/chart-builder.ts'
import { runChartroom } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'

const ADMIN = {
  who: { ou: 'administrators' },
  may: ['read', 'publish', 'overwrite', 'delete', 'create', 'admin'],
  repositories: 'all',
}

const ACCESS = [
  ADMIN,
  { who: { cn: 'reader' }, may: ['read'], repositories: ['all', 'local', 'mirror'] },
  // Reads the mirror, and of the local repository nothing.
  { who: { cn: 'outsider' }, may: ['read'], repositories: ['all', 'mirror'] },
  // Reads web charts only, in the local repository.
  { who: { cn: 'local-web' }, may: ['read'], repositories: ['local'], charts: [{ glob: 'web-*' }] },
  { who: { cn: 'local-web' }, may: ['read'], repositories: ['all', 'mirror'] },
  // Reads web charts only, by way of the virtual repository.
  { who: { cn: 'all-web' }, may: ['read'], repositories: ['all'], charts: [{ glob: 'web-*' }] },
  { who: { cn: 'all-web' }, may: ['read'], repositories: ['local', 'mirror'] },
  { who: { cn: 'members-only' }, may: ['read'], repositories: ['local', 'mirror'] },
  { who: { cn: 'virtual-only' }, may: ['read'], repositories: ['all'] },
]

const REPOSITORIES = [{ name: 'local' }, { name: 'mirror' }, { name: 'all', virtual: ['local', 'mirror'] }]

const CHARTS: readonly (readonly [repository: string, source: ChartSource])[] = [
  ['local', { name: 'secret', version: '1.0.0' }],
  ['local', { name: 'web-local', version: '1.0.0' }],
  ['local', { name: 'own', version: '1.0.0' }],
  ['mirror', { name: 'secret', version: '99.0.0' }],
  ['mirror', { name: 'web-public', version: '1.0.0' }],
  ['mirror', { name: 'nginx', version: '1.0.0' }],
  ['mirror', { name: 'nginx', version: '1.1.0' }],
]

describe('a virtual repository', () => {
  let server: TestServer
  let admin: TestPeer

  before(async () => {
    server = await TestServer.start({
      settings: { access: ACCESS, repositories: REPOSITORIES, audit: { reads: 'on' } },
    })
    admin = await server.admin()
    for (const [repository, source] of CHARTS) await publish(repository, source)
  })

  after(async () => {
    await server.close()
  })

  async function publish(repository: string, source: ChartSource): Promise<void> {
    const reply = await server.request(admin, 'POST', `/api/${repository}/charts`, {
      body: await chart(source),
    })
    assert.equal(reply.status, 201, reply.reason)
  }

  async function get(peer: TestPeer, path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return server.request(peer, 'GET', path, { headers })
  }

  async function peer(cn: string): Promise<TestPeer> {
    return server.ca.client({ cn })
  }

  /** `name version…` of each chart in the index. */
  async function indexOf(who: TestPeer, repository = 'all'): Promise<readonly string[]> {
    const reply = await get(who, `/${repository}/index.yaml`)
    assert.equal(reply.status, 200, reply.reason)
    const { entries } = jsonOf(reply) as { entries: Record<string, { version: string }[]> }
    return Object.entries(entries).map(
      ([name, versions]) => `${name} ${versions.map(({ version }) => version).join(' ')}`,
    )
  }

  async function statusOf(who: TestPeer, path: string): Promise<number> {
    return (await get(who, path)).status
  }

  describe('read', () => {
    it('has of each chart the versions of the first member that has its name', async () => {
      assert.deepEqual(await indexOf(admin), [
        'nginx 1.1.0 1.0.0',
        'own 1.0.0',
        'secret 1.0.0',
        'web-local 1.0.0',
        'web-public 1.0.0',
      ])
    })

    it('says the same in gzip', async () => {
      const plain = await get(admin, '/all/index.yaml')
      const zipped = await get(admin, '/all/index.yaml', { 'accept-encoding': 'gzip' })
      assert.equal(zipped.headers['content-encoding'], 'gzip')
      assert.deepEqual(gunzipSync(zipped.bytes), plain.bytes)
    })

    it('serves archives, provenance files and everything else of each chart from its member', async () => {
      for (const [path, member] of [
        ['charts/own-1.0.0.tgz', 'local'],
        ['charts/own-1.0.0.tgz.prov', 'local'],
        ['charts/nginx-1.1.0.tgz', 'mirror'],
        ['charts/nginx-1.1.0.tgz.prov', 'mirror'],
        ['charts/secret-1.0.0.tgz', 'local'],
      ]) {
        const there = await get(admin, `/${member}/${path}`)
        const here = await get(admin, `/all/${path}`)
        assert.equal(here.status, 200, path)
        assert.deepEqual(here.bytes, there.bytes, path)
      }
      for (const path of ['', '/1.0.0', '/latest', '/1.0.0/values', '/1.0.0/templates']) {
        const there = await get(admin, `/api/local/charts/secret${path}`)
        const here = await get(admin, `/api/all/charts/secret${path}`)
        assert.equal(here.status, 200, path)
        assert.deepEqual(here.bytes, there.bytes, path)
      }
    })

    it('lets no archive be kept unasked, as it may get other members', async () => {
      const member = await get(admin, '/local/charts/own-1.0.0.tgz')
      const virtual = await get(admin, '/all/charts/own-1.0.0.tgz')
      assert.match(String(member.headers['cache-control']), /immutable/)
      assert.equal(virtual.headers['cache-control'], 'private, no-cache')
    })

    it('lists and finds charts in pages', async () => {
      const page = await get(admin, '/api/all/charts?offset=1&limit=2')
      assert.deepEqual(Object.keys(jsonOf(page) as object), ['own', 'secret'])
      assert.equal(page.headers['x-total-count'], '5')
      assert.deepEqual(Object.keys(jsonOf(await get(admin, '/api/all/charts?q=web')) as object), [
        'web-local',
        'web-public',
      ])
    })

    it('answers that nothing has changed, until a member has', async () => {
      const { etag } = (await get(admin, '/all/index.yaml')).headers
      const again = { 'if-none-match': String(etag) }
      assert.equal((await get(admin, '/all/index.yaml', again)).status, 304)
      for (const repository of ['local', 'mirror']) {
        const before = (await get(admin, '/all/index.yaml')).headers.etag
        await publish(repository, { name: 'passing', version: '1.0.0' })
        const changed = await get(admin, '/all/index.yaml', { 'if-none-match': String(before) })
        assert.equal(changed.status, 200)
        const path = `/api/${repository}/charts/passing/1.0.0`
        assert.equal((await server.request(admin, 'DELETE', path)).status, 200)
      }
      assert.equal((await get(admin, '/all/index.yaml', again)).status, 200)
    })

    it('is told in the audit trail as a read of the member, with the way that it took', async () => {
      await get(admin, '/all/charts/web-public-1.0.0.tgz')
      await get(admin, '/api/all/charts/web-public/1.0.0/values')
      await eventually(async () => {
        const reply = await get(admin, '/api/audit?repository=mirror&action=read')
        const entries = jsonOf(reply) as { chart?: string; detail?: string }[]
        const details = entries.filter(({ chart }) => chart === 'web-public').map(({ detail }) => detail)
        assert.deepEqual(details.toSorted(), ['archive through all', 'values through all'])
      })
    })
  })

  describe('by its grants', () => {
    it('shows of each member what the caller may read there', async () => {
      assert.deepEqual(await indexOf(await peer('reader')), await indexOf(admin))
      assert.deepEqual(await indexOf(await peer('local-web')), [
        'nginx 1.1.0 1.0.0',
        'web-local 1.0.0',
        'web-public 1.0.0',
      ])
    })

    it('shows no more than the grants on itself', async () => {
      const who = await peer('all-web')
      assert.deepEqual(await indexOf(who), ['web-local 1.0.0', 'web-public 1.0.0'])
      assert.equal(await statusOf(who, '/all/charts/own-1.0.0.tgz'), 403)
      assert.equal(await statusOf(who, '/api/all/charts/own'), 403)
      assert.equal(await statusOf(who, '/all/charts/web-local-1.0.0.tgz'), 200)
    })

    it('is closed to who may read its members only', async () => {
      const who = await peer('members-only')
      for (const path of ['/all/index.yaml', '/all/charts/own-1.0.0.tgz', '/api/all/charts/own']) {
        assert.equal(await statusOf(who, path), 403, path)
      }
    })

    it('is empty for who may read none of its members', async () => {
      const who = await peer('virtual-only')
      assert.deepEqual(await indexOf(who), [])
      assert.equal(await statusOf(who, '/all/charts/own-1.0.0.tgz'), 404)
    })

    it('puts no chart of another member in the place of one that the caller may not see', async () => {
      const who = await peer('outsider')
      assert.deepEqual(await indexOf(who), ['nginx 1.1.0 1.0.0', 'web-public 1.0.0'])
      for (const path of [
        '/all/charts/secret-99.0.0.tgz',
        '/all/charts/secret-99.0.0.tgz.prov',
        '/all/charts/secret-1.0.0.tgz',
        '/api/all/charts/secret',
        '/api/all/charts/secret/99.0.0',
        '/api/all/charts/secret/latest',
        '/api/all/charts/secret/99.0.0/values',
        '/api/all/charts/secret/99.0.0/templates',
      ]) {
        assert.equal(await statusOf(who, path), 404, path)
      }
      assert.deepEqual(jsonOf(await get(who, '/api/all/charts?q=secret')), {})
      assert.equal(await statusOf(who, '/mirror/charts/secret-99.0.0.tgz'), 200, 'it is there')
      assert.equal(await statusOf(admin, '/all/charts/secret-99.0.0.tgz'), 404, 'nor for others')
    })

    it('tells everybody of the members that they may read', async () => {
      const listed = async (who: TestPeer): Promise<unknown> => {
        const reply = await get(who, '/api/repositories')
        const { repositories } = jsonOf(reply) as { repositories: { name: string }[] }
        const found = repositories.find(({ name }) => name === 'all')
        return found && { ...found, revision: 0, changedAt: '' }
      }
      const common = { name: 'all', revision: 0, changedAt: '' }
      assert.deepEqual(await listed(await peer('outsider')), {
        ...common,
        charts: 2,
        versions: 3,
        members: ['mirror'],
      })
      assert.deepEqual(await listed(admin), {
        ...common,
        charts: 5,
        versions: 6,
        members: ['local', 'mirror'],
      })
      const whoami = jsonOf(await get(await peer('outsider'), '/api/whoami')) as { grants: unknown }
      assert.deepEqual(whoami.grants, [
        { repository: 'all', may: ['read'], virtual: true },
        { repository: 'mirror', may: ['read'] },
      ])
    })
  })

  describe('and names', () => {
    it('keeps a name that its owner has withdrawn', async () => {
      await publish('local', { name: 'retired', version: '1.0.0' })
      await publish('mirror', { name: 'retired', version: '5.0.0' })
      assert.equal((await server.request(admin, 'DELETE', '/api/local/charts/retired')).status, 200)
      assert.ok(!(await indexOf(admin)).some((line) => line.startsWith('retired')))
      assert.equal(await statusOf(admin, '/all/charts/retired-5.0.0.tgz'), 404)
      assert.equal(await statusOf(admin, '/api/all/charts/retired/5.0.0'), 404)
    })

    it('takes a name over as soon as an earlier member has it', async () => {
      await publish('mirror', { name: 'taken', version: '2.0.0' })
      assert.ok((await indexOf(admin)).includes('taken 2.0.0'))
      await publish('local', { name: 'taken', version: '1.0.0' })
      assert.ok((await indexOf(admin)).includes('taken 1.0.0'))
      assert.equal(await statusOf(admin, '/all/charts/taken-2.0.0.tgz'), 404)
      assert.equal(await statusOf(admin, '/all/charts/taken-1.0.0.tgz'), 200)
    })

    it('gives a file name that two charts have to that of the earlier member', async () => {
      await publish('local', { name: 'twin-1.0.0', version: '2.0.0' })
      await publish('mirror', { name: 'twin', version: '1.0.0-2.0.0' })
      await publish('mirror', { name: 'twin', version: '1.0.0' })
      const index = await indexOf(admin)
      assert.ok(index.includes('twin 1.0.0'))
      assert.ok(index.includes('twin-1.0.0 2.0.0'))
      const [here, there] = await Promise.all(
        ['all', 'local'].map((repository) => get(admin, `/${repository}/charts/twin-1.0.0-2.0.0.tgz`)),
      )
      assert.deepEqual(here?.bytes, there?.bytes)
      assert.equal(await statusOf(await peer('outsider'), '/all/charts/twin-1.0.0-2.0.0.tgz'), 404)
    })

    it('says that there is no chart of a name that nobody has', async () => {
      for (const path of ['/all/charts/none-1.0.0.tgz', '/all/charts/none.tgz', '/api/all/charts/none']) {
        assert.equal(await statusOf(admin, path), 404, path)
      }
    })
  })

  describe('refuses', () => {
    const reason = /all is virtual and holds no charts itself: change one of its members, local, mirror/

    async function assertRefused(method: string, path: string, body?: Buffer): Promise<void> {
      const before = await indexOf(admin)
      const reply = await server.request(admin, method, path, body && { body })
      assert.equal(reply.status, 403, path)
      assert.match(`${reply.reason} ${reply.bytes.toString()}`, reason)
      assert.deepEqual(await indexOf(admin), before)
    }

    it('uploads', async () => {
      await assertRefused('POST', '/api/all/charts', await chart({ name: 'new' }))
    })

    it('provenance files', async () => {
      const provenance = await get(admin, '/local/charts/own-1.0.0.tgz.prov')
      await assertRefused('POST', '/api/all/prov', provenance.bytes)
    })

    it('promotions', async () => {
      const body = JSON.stringify({ from: 'local', name: 'own', version: '1.0.0' })
      await assertRefused('POST', '/api/all/promote', Buffer.from(body))
    })

    it('deletions', async () => {
      await assertRefused('DELETE', '/api/all/charts/own/1.0.0')
      await assertRefused('DELETE', '/api/all/charts/own')
    })

    it('imports', async () => {
      const source = `${server.folder}/import`
      await mkdir(source)
      await writeFile(`${source}/new-1.0.0.tgz`, await chart({ name: 'new', version: '1.0.0' }))
      const { code, stdout, stderr } = await chartroom('import', source, '--repository', 'all')
      assert.notEqual(code, 0)
      assert.match(`${stdout}${stderr}`, reason)
      assert.equal(await statusOf(admin, '/all/charts/new-1.0.0.tgz'), 404)
    })

    it('retention', async () => {
      const { code, stderr } = await chartroom('retain', '--repository', 'all', '--apply')
      assert.notEqual(code, 0)
      assert.match(stderr, reason)
    })
  })

  async function chartroom(...args: readonly string[]): Promise<Awaited<ReturnType<typeof runChartroom>>> {
    return runChartroom([...args, '--config', server.config.file ?? ''])
  }

  describe('otherwise', () => {
    it('is a source of promotions, with the charts that it shows', async () => {
      const promote = async (to: string, name: string, version: string): Promise<number> => {
        const body = JSON.stringify({ from: 'all', name, version })
        return (await server.request(admin, 'POST', `/api/${to}/promote`, { body })).status
      }
      assert.equal(await promote('local', 'nginx', '1.0.0'), 201)
      assert.equal(await promote('mirror', 'own', '1.0.0'), 201)
      assert.equal(await promote('mirror', 'secret', '99.0.0'), 404, 'that one is hidden')
    })

    it('is exported with the charts that it shows, each from its member', async () => {
      const target = `${server.folder}/copy`
      const { code, stderr, stdout } = await chartroom('export', target, '--repository', 'all')
      assert.equal(code, 0, stderr)
      assert.match(stdout, /all at revision/)
      const index = JSON.parse(await readFile(`${target}/index.yaml`, 'utf8')) as { entries: object }
      const served = jsonOf(await get(admin, '/all/index.yaml')) as { entries: object }
      assert.deepEqual(index.entries, served.entries)
      const archive = await get(admin, '/local/charts/own-1.0.0.tgz')
      assert.deepEqual(await readFile(`${target}/charts/own-1.0.0.tgz`), archive.bytes)
    })

    it('is told by the command line with its members', async () => {
      assert.match((await chartroom('repo', 'list')).stdout, /^all\t.*\tvirtual: local, mirror$/m)
      assert.match((await chartroom('policy', 'check')).stdout, /all is virtual: .*\(local, mirror\)/)
      assert.match((await chartroom('config', 'check')).stdout, /virtual:\n\s+- local\n\s+- mirror/)
      assert.equal((await chartroom('fsck')).code, 0)
    })
  })
})
