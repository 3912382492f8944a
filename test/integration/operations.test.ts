import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dump, load } from 'js-yaml'
import { chart, type ChartSource } from '../support/chart-builder.ts'
import { runChartroom, type CommandResult } from '../support/command-line.ts'
import { filesBelow } from '../support/leftovers.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { TestServer, type Reply } from '../support/test-server.ts'

const leak = { files: { 'values.yaml': 'password: secret\n' } }

describe('operating', () => {
  let server: TestServer
  let admin: TestPeer

  beforeEach(async () => {
    server = await TestServer.start({
      settings: {
        repositories: [
          { name: 'team-a' },
          { name: 'team-b' },
          { name: 'small', quota: { versions: 2 }, overwrite: 'forced' },
          { name: 'frozen', readOnly: true },
        ],
      },
    })
    admin = await server.admin()
  })

  afterEach(async () => {
    await server.close()
  })

  async function publish(repository: string, source: ChartSource = {}, query = ''): Promise<Reply> {
    return ask('POST', `/api/${repository}/charts${query}`, await chart(source))
  }

  async function ask(method: string, path: string, body?: Buffer): Promise<Reply> {
    return server.request(admin, method, path, body === undefined ? {} : { body })
  }

  async function run(...args: readonly string[]): Promise<CommandResult> {
    return runChartroom([...args, '--config', server.config.file ?? ''])
  }

  async function succeed(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(...args)
    assert.equal(code, 0, stdout + stderr)
    return stdout
  }

  async function refused(text: RegExp, ...args: readonly string[]): Promise<void> {
    const { code, stderr } = await run(...args)
    assert.notEqual(code, 0)
    assert.match(stderr, text)
  }

  async function blobs(): Promise<number> {
    return (await filesBelow(join(server.config.storage, 'blobs'))).length
  }

  async function index(repository: string): Promise<{ readonly etag: string; readonly text: string }> {
    const { status, headers, bytes } = await ask('GET', `/${repository}/index.yaml`)
    assert.equal(status, 200)
    return { etag: headers.etag ?? '', text: bytes.toString() }
  }

  describe('a quota', () => {
    it('answers 507 with the reason, and leaves nothing behind', async () => {
      for (const version of ['1.0.0', '2.0.0'])
        assert.equal((await publish('small', { version })).status, 201)
      const stored = await blobs()
      const reply = await publish('small', { version: '3.0.0' })
      assert.equal(reply.status, 507)
      assert.equal(reply.reason, 'Insufficient Storage: small has no room for this: it holds 2 of 2 versions')
      assert.match(reply.bytes.toString(), /repo has reached storage limit/)
      assert.equal(await blobs(), stored)
      assert.equal((await publish('small', { version: '2.0.0' })).status, 201, 'a retry changes nothing')
      assert.equal((await publish('small', { version: '2.0.0', ...leak }, '?force')).status, 201)
      await ask('DELETE', '/api/small/charts/demo/1.0.0')
      assert.equal((await publish('small', { version: '3.0.0' })).status, 201)
      assert.match(
        await succeed('repo', 'list'),
        /^small\trevision \d+\tchanged \S+\t2 versions\t\d+ bytes$/m,
      )
    })

    it('of bytes, for every repository without one of its own, is changed by a reload', async () => {
      await configure({ quota: { bytes: 10 } })
      const reply = await publish('team-a')
      assert.equal(reply.status, 507)
      assert.match(reply.reason, /team-a has no room for this: it holds 0 of 10 bytes$/)
      assert.equal((await publish('small')).status, 201)
      await configure({ quota: { bytes: '1MiB' } })
      assert.equal((await publish('team-a')).status, 201)
    })

    it('is not exceeded by publishes that race', async () => {
      const versions = Array.from({ length: 8 }, (_, patch) => `1.0.${patch}`)
      const replies = await Promise.all(versions.map((version) => publish('small', { version })))
      assert.deepEqual(replies.map(({ status }) => status).sort(), [
        ...Array<number>(2).fill(201),
        ...Array<number>(6).fill(507),
      ])
    })
  })

  describe('read-only', () => {
    const REASON = 'Forbidden: frozen is read-only by its operator’s setting'.replace('’', "'")

    it('refuses to publish, to sign and to delete, with the reason, and goes on serving', async () => {
      for (const reply of [
        await publish('frozen'),
        await ask('DELETE', '/api/frozen/charts/demo/1.0.0'),
        await ask('DELETE', '/api/frozen/charts/demo'),
      ]) {
        assert.equal(reply.status, 403)
        assert.equal(reply.reason, REASON)
      }
      await index('frozen')
      assert.equal(await blobs(), 0)
      assert.match(await succeed('audit', '--repository', 'frozen', '--outcome', 'refused'), /read-only/)
    })

    it('comes and goes with a reload, for the whole server', async () => {
      assert.equal((await publish('team-a')).status, 201)
      await configure({ readOnly: true })
      assert.equal((await publish('team-a', { version: '2.0.0' })).status, 403)
      assert.equal((await ask('DELETE', '/api/team-a/charts/demo/0.1.0')).status, 403)
      await configure({ readOnly: false })
      assert.equal((await ask('DELETE', '/api/team-a/charts/demo/0.1.0')).status, 200)
    })
  })

  describe('renaming and deleting repositories', () => {
    it('is seen at once by a running server, under both names', async () => {
      await publish('team-a')
      await index('team-a')
      assert.match(await succeed('repo', 'rename', 'team-a', 'team-c'), /team-a: is team-c now/)
      assert.equal((await ask('GET', '/team-a/index.yaml')).status, 404)
      assert.match((await index('team-c')).text, /"demo"/)
      assert.equal((await ask('GET', '/team-c/charts/demo-0.1.0.tgz')).status, 200)
    })

    it('shows a repository that takes a name over with what is in it, and under no ETag of the past', async () => {
      const etags: string[] = []
      await publish('team-a', { name: 'old' })
      etags.push((await index('team-a')).etag)
      await succeed('repo', 'delete', 'team-a', '--force')
      await succeed('repo', 'create', 'team-a')
      const empty = await index('team-a')
      assert.doesNotMatch(empty.text, /"old"/)
      etags.push(empty.etag)
      await publish('team-a', { name: 'new' })
      const filled = await index('team-a')
      assert.match(filled.text, /"new"/)
      etags.push(filled.etag)
      await succeed('repo', 'delete', 'team-a', '--force')
      await publish('team-b', { name: 'other' })
      await succeed('repo', 'rename', 'team-b', 'team-a')
      const renamed = await index('team-a')
      assert.match(renamed.text, /"other"/)
      assert.doesNotMatch(renamed.text, /"new"|"old"/)
      etags.push(renamed.etag)
      assert.equal(new Set(etags).size, etags.length)
    })

    it('warns of settings that would make the repository anew', async () => {
      assert.match(await succeed('repo', 'delete', 'team-b'), /team-b is still under "repositories"/)
    })

    it('refuses what would lose charts or names', async () => {
      await publish('team-a')
      await refused(/team-a holds charts; --force deletes them with it/, 'repo', 'delete', 'team-a')
      await refused(/the root repository cannot be deleted/, 'repo', 'delete', '/', '--force')
      await refused(/the root repository cannot be renamed/, 'repo', 'rename', '/', 'x')
      await refused(/the root repository cannot be renamed/, 'repo', 'rename', 'team-a', '/')
      await refused(/there is a repository team-b already/, 'repo', 'rename', 'team-a', 'team-b')
      await refused(/there is no repository nowhere/, 'repo', 'rename', 'nowhere', 'x')
      await refused(/there is no repository nowhere/, 'repo', 'delete', 'nowhere')
      assert.match((await index('team-a')).text, /"demo"/)
    })
  })

  describe('purging', () => {
    it('removes the version and its bytes everywhere, keeps them away, and says why in the audit', async () => {
      await publish('team-a', leak)
      await publish('team-b', { ...leak, mtime: new Date('2025-01-01') })
      await publish('team-b', { version: '2.0.0' })
      const out = await succeed('purge', 'demo', '0.1.0', '--everywhere', '--reason', 'a password')
      assert.match(out, /^team-a: demo 0\.1\.0 purged\nteam-b: demo 0\.1\.0 purged\n2 versions purged/)
      assert.equal(await blobs(), 2)
      for (const repository of ['team-a', 'team-b']) {
        assert.equal((await ask('GET', `/${repository}/charts/demo-0.1.0.tgz`)).status, 404)
        assert.equal((await ask('GET', `/${repository}/charts/demo-0.1.0.tgz.prov`)).status, 404)
        assert.doesNotMatch((await index(repository)).text, /"0\.1\.0"/)
        const again = await publish(repository, leak)
        assert.equal(again.status, 403)
        assert.match(again.reason, /demo 0\.1\.0 with this content was purged and may not come back$/)
      }
      assert.equal(await blobs(), 2)
      assert.match(await succeed('audit', '--action', 'purge'), /a password/)
      assert.match(await succeed('fsck'), /^1 versions checked, 0 broken$/m)
    })

    it('from one repository leaves the bytes to the others', async () => {
      await publish('team-a', leak)
      await publish('team-b', leak)
      await succeed('purge', 'demo', '0.1.0', '--repository', 'team-a', '--reason', 'not for them')
      assert.equal((await ask('GET', '/team-a/charts/demo-0.1.0.tgz')).status, 404)
      assert.equal((await ask('GET', '/team-b/charts/demo-0.1.0.tgz')).status, 200)
      assert.equal((await publish('team-a', leak)).status, 403)
    })

    it('by digest also removes what was deleted before and is waiting for gc', async () => {
      const { digest } = JSON.parse((await publish('team-a', leak)).bytes.toString()) as { digest: string }
      await ask('DELETE', '/api/team-a/charts/demo/0.1.0')
      const path = join('sha256', digest.slice(0, 2), digest)
      const stored = async (): Promise<boolean> =>
        (await filesBelow(join(server.config.storage, 'blobs'))).includes(path)
      assert.equal(await stored(), true)
      await succeed('purge', '--digest', `sha256:${digest}`, '--reason', 'a password')
      assert.equal(await stored(), false)
    })

    it('wants to know what, where and why', async () => {
      const usage = /say CHART VERSION with --repository NAME or --everywhere, or --digest SHA256 alone/
      await refused(usage, 'purge', 'demo', '0.1.0', '--reason', 'x')
      await refused(usage, 'purge', 'demo', '--everywhere', '--reason', 'x')
      await refused(usage, 'purge', 'demo', '--digest', 'a'.repeat(64), '--reason', 'x')
      await refused(/required option '--reason <text>'/, 'purge', 'demo', '0.1.0', '--everywhere')
      await refused(
        /cannot be used with/,
        'purge',
        'demo',
        '1.0.0',
        '--everywhere',
        '--repository',
        'x',
        '--reason',
        'x',
      )
      await refused(
        /there is and was no demo 9\.0\.0 to purge/,
        ...['purge', 'demo', '9.0.0', '--everywhere', '--reason', 'x'],
      )
    })
  })

  async function configure(changes: Readonly<Record<string, unknown>>): Promise<void> {
    const file = server.config.file ?? ''
    const settings = load(await readFile(file, 'utf8')) as Record<string, unknown>
    await writeFile(file, dump({ ...settings, ...changes }))
    await server.reload()
  }
})
