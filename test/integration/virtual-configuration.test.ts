import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { dump, load } from 'js-yaml'
import { chart, type ChartSource } from '../support/chart-builder.ts'
import { runChartroom } from '../support/command-line.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer } from '../support/test-server.ts'

const REPOSITORIES = [{ name: 'local' }, { name: 'mirror' }, { name: 'all', virtual: ['local', 'mirror'] }]

describe('the configuration of a virtual repository', () => {
  let server: TestServer
  let admin: TestPeer

  before(async () => {
    server = await TestServer.start({ settings: { repositories: REPOSITORIES } })
    admin = await server.admin()
    await publish('local', { name: 'secret', version: '1.0.0' })
    await publish('mirror', { name: 'secret', version: '99.0.0' })
    await publish('mirror', { name: 'nginx', version: '1.0.0' })
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

  async function statusOf(path: string): Promise<number> {
    return (await server.request(admin, 'GET', path)).status
  }

  /** `name version…` of each chart in the index. */
  async function indexOf(repository = 'all'): Promise<readonly string[]> {
    const reply = await server.request(admin, 'GET', `/${repository}/index.yaml`)
    assert.equal(reply.status, 200, reply.reason)
    const { entries } = jsonOf(reply) as { entries: Record<string, { version: string }[]> }
    return Object.entries(entries).map(
      ([name, versions]) => `${name} ${versions.map(({ version }) => version).join(' ')}`,
    )
  }

  async function reloadWith(repositories: readonly object[]): Promise<void> {
    const file = server.config.file ?? ''
    const settings = load(await readFile(file, 'utf8')) as object
    await writeFile(file, dump({ ...settings, repositories }))
    await server.reload()
  }

  afterEach(async () => {
    await reloadWith(REPOSITORIES)
  })

  it('has the order that it says, from the reload on', async () => {
    assert.ok((await indexOf()).includes('secret 1.0.0'))
    await reloadWith([{ name: 'local' }, { name: 'mirror' }, { name: 'all', virtual: ['mirror', 'local'] }])
    assert.ok((await indexOf()).includes('secret 99.0.0'))
    assert.equal(await statusOf('/all/charts/secret-99.0.0.tgz'), 200)
  })

  it('comes into being with its members at a reload', async () => {
    await reloadWith([...REPOSITORIES, { name: 'new' }, { name: 'more', virtual: ['new', 'mirror'] }])
    assert.ok((await indexOf('more')).includes('nginx 1.0.0'))
  })

  it('lets a name go that has been withdrawn where tombstones are released', async () => {
    await publish('local', { name: 'let-go', version: '1.0.0' })
    await publish('mirror', { name: 'let-go', version: '5.0.0' })
    assert.equal((await server.request(admin, 'DELETE', '/api/local/charts/let-go')).status, 200)
    assert.equal(await statusOf('/all/charts/let-go-5.0.0.tgz'), 404)
    await reloadWith([{ name: 'local', tombstones: 'release' }, ...REPOSITORIES.slice(1)])
    assert.ok((await indexOf()).includes('let-go 5.0.0'))
    assert.equal(await statusOf('/all/charts/let-go-5.0.0.tgz'), 200)
  })

  it('is not made of a repository that holds versions, while running', async () => {
    await reloadWith([{ name: 'mirror' }, { name: 'local', virtual: ['mirror'] }])
    assert.ok(server.logLines.some((line) => line.includes('local cannot be virtual: it holds')))
    assert.ok((await indexOf('local')).includes('secret 1.0.0'), 'it stays as it was')
    await publish('local', { name: 'still-written', version: '1.0.0' })
  })

  it('serves nothing while a member is not there', async () => {
    await reloadWith([...REPOSITORIES, { name: 'doomed' }, { name: 'half', virtual: ['doomed', 'mirror'] }])
    assert.ok((await indexOf('half')).length > 0)
    assert.equal(
      (await runChartroom(['repo', 'delete', 'doomed', '--config', server.config.file ?? ''])).code,
      0,
    )
    await server.reload()
    for (const path of ['/half/index.yaml', '/half/charts/nginx-1.0.0.tgz', '/api/half/charts/nginx']) {
      assert.equal(await statusOf(path), 503, path)
    }
    assert.equal(await statusOf('/api/repositories'), 200)
  })
})

describe('a server whose virtual repository would hold versions', () => {
  it('does not start, and says why', async () => {
    const server = await TestServer.start({ settings: { repositories: [{ name: 'full' }] } })
    try {
      const body = await chart()
      const reply = await server.request(await server.admin(), 'POST', '/api/full/charts', { body })
      assert.equal(reply.status, 201)
      await server.stop()
      const file = server.config.file ?? ''
      const repositories = [{ name: 'other' }, { name: 'full', virtual: ['other'] }]
      await writeFile(file, dump({ ...(load(await readFile(file, 'utf8')) as object), repositories }))
      const { code, stderr } = await runChartroom(['serve', '--config', file])
      assert.notEqual(code, 0)
      assert.match(stderr, /full cannot be virtual: it holds 1 versions of its own/)
      const listed = await runChartroom(['repo', 'list', '--config', file])
      assert.doesNotMatch(listed.stdout, /^other\t/m)
    } finally {
      await server.close()
    }
  })
})
