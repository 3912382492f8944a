import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { archive, chart, chartYaml } from '../support/chart-builder.ts'
import { type CommandResult, runChartroom } from '../support/command-line.ts'
import { filesBelow } from '../support/leftovers.ts'
import { jsonOf, TestServer } from '../support/test-server.ts'
import { signChart } from '../support/use-cases.ts'

interface Entry {
  readonly name: string
  readonly version: string
  readonly created: string
  readonly digest: string
}

type Entries = Readonly<Record<string, readonly Entry[]>>

describe('chartroom import and export', () => {
  let server: TestServer
  let folder: string
  let source: string

  beforeEach(async () => {
    server = await TestServer.start()
    folder = await mkdtemp(join(tmpdir(), 'chartroom-import-'))
    source = join(folder, 'source')
    await mkdir(source)
  })

  afterEach(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  async function run(
    command: 'export' | 'import' | 'fsck',
    ...args: readonly string[]
  ): Promise<CommandResult> {
    return runChartroom([command, '--config', join(server.folder, 'chartroom.yaml'), ...args])
  }

  async function importFrom(...args: readonly string[]): Promise<CommandResult> {
    return run('import', source, '--repository', '/', ...args)
  }

  async function put(path: string, content: Buffer | string): Promise<void> {
    const file = join(source, path)
    await mkdir(join(file, '..'), { recursive: true })
    await writeFile(file, content)
  }

  async function get(path: string): ReturnType<TestServer['request']> {
    return server.request(await server.reader(), 'GET', path)
  }

  async function entriesOf(path = ''): Promise<Entries> {
    return (jsonOf(await get(`${path}/index.yaml`)) as { entries: Entries }).entries
  }

  async function assertSound(): Promise<void> {
    const { code, stdout } = await run('fsck')
    assert.equal(code, 0, stdout)
    assert.deepEqual(await filesBelow(join(server.folder, 'storage', 'tmp')), [])
  }

  it('takes over a folder of packages, with provenance and dates, beside a running server', async () => {
    const key = await SigningKey.open({
      armored: await generateSigningKey({ userId: 'CI <ci@example.org>', now: new Date() }),
    })
    const demo = await chart()
    await put('demo-0.1.0.tgz', demo)
    await put('demo-0.1.0.tgz.prov', await signChart(key, demo))
    await put('other-0.1.0.tgz', await chart({ name: 'other' }))
    await utimes(join(source, 'other-0.1.0.tgz'), new Date(), new Date('2020-02-03T04:05:06Z'))
    const created = '2019-01-02T03:04:05.000Z'
    await put(
      'index-cache.yaml',
      `entries:\n  demo:\n  - {name: demo, version: 0.1.0, created: "${created}"}\n`,
    )
    const first = await importFrom()
    assert.deepEqual(first, {
      code: 0,
      stdout: '2 created, 0 unchanged, 0 refused, 0 of them lenient\n',
      stderr: '',
    })
    const entries = await entriesOf()
    assert.equal(entries['demo']?.[0]?.created, created)
    assert.equal(entries['demo'][0].digest, sha256(demo))
    assert.equal(entries['other']?.[0]?.created, '2020-02-03T04:05:06.000Z')
    assert.equal((await importFrom()).stdout, '0 created, 2 unchanged, 0 refused, 0 of them lenient\n')
    await assertSound()
  })

  it('says what it refuses and why, keeps the rest, and leaves nothing of it', async () => {
    await put('demo-0.1.0.tgz', await chart())
    await put('bad-0.1.0.tgz', 'no archive')
    await put('signed-0.1.0.tgz', await chart({ name: 'signed' }))
    await put('signed-0.1.0.tgz.prov', 'no provenance')
    const { code, stdout } = await importFrom()
    assert.equal(code, 1)
    assert.match(stdout, /^refused .*bad-0\.1\.0\.tgz: the archive is not a gzip file$/m)
    assert.match(stdout, /^refused .*signed-0\.1\.0\.tgz: /m)
    assert.match(stdout, /^1 created, 0 unchanged, 2 refused, 0 of them lenient$/m)
    assert.deepEqual(Object.keys(await entriesOf()), ['demo'])
    await assertSound()
    const audited = await runChartroom(['audit', '--config', join(server.folder, 'chartroom.yaml')])
    assert.match(audited.stdout, /refused.*import of .*bad-0\.1\.0\.tgz: the archive is not a gzip file/)
  })

  it('never replaces other content', async () => {
    const stored = await chart()
    await server.request(await server.admin(), 'POST', '/api/charts', { body: stored })
    await put('demo-0.1.0.tgz', await chart({ files: { 'values.yaml': 'other: 1\n' } }))
    const { code, stdout } = await importFrom('--format', 'json')
    assert.equal(code, 1)
    const report = JSON.parse(stdout) as { refused: number; packages: { reason: string }[] }
    assert.equal(report.refused, 1)
    assert.match(report.packages[0]?.reason ?? '', /demo 0\.1\.0 exists with other content/)
    assert.deepEqual((await get('/charts/demo-0.1.0.tgz')).bytes, stored)
  })

  it('says in a dry run what would come of it, and changes nothing', async () => {
    await put('demo-0.1.0.tgz', await chart())
    await put('bad-0.1.0.tgz', 'no archive')
    const { code, stdout } = await importFrom('--dry-run')
    assert.equal(code, 1)
    assert.match(stdout, /^1 created, 0 unchanged, 1 refused, 0 of them lenient$/m)
    assert.deepEqual(await entriesOf(), {})
    assert.deepEqual(await filesBelow(join(server.folder, 'storage', 'blobs')), [])
    await importFrom()
    assert.match((await importFrom('--dry-run')).stdout, /^0 created, 1 unchanged, 1 refused/m)
  })

  it('refuses a source or a number that makes no sense, before anything is touched', async () => {
    const missing = await run('import', join(folder, 'missing'), '--repository', '/')
    assert.equal(missing.code, 1)
    assert.match(missing.stderr, /missing cannot be read/)
    const plain = await run('import', 'http://localhost/charts', '--repository', '/')
    assert.match(plain.stderr, /is no URL of a repository: it begins with https/)
    const jobs = await importFrom('--jobs', '0')
    assert.equal(jobs.code, 2)
    assert.match(jobs.stderr, /expected a whole number from 1 to 64/)
  })

  it('stops when it is asked to, and says how to go on', async () => {
    await put('demo-0.1.0.tgz', await chart())
    const config = ['--config', join(server.folder, 'chartroom.yaml')]
    const { code, stderr } = await runChartroom(['import', source, '--repository', '/', ...config], {
      terminated: AbortSignal.abort(),
    })
    assert.equal(code, 1)
    assert.match(stderr, /interrupted; the same command goes on where this one stopped/)
    assert.deepEqual(await entriesOf(), {})
  })

  it('makes repositories only when it is told to, and of sub-folders only with --tenants', async () => {
    await put('demo-0.1.0.tgz', await chart())
    await put('team-a/stable/inner-0.1.0.tgz', await chart({ name: 'inner' }))
    await put('Team B/outer-0.1.0.tgz', await chart({ name: 'outer' }))
    const unknown = await run('import', source, '--repository', 'moved')
    assert.equal(unknown.code, 1)
    assert.match(unknown.stderr, /there is no repository moved/)
    const alone = await run('import', source, '--repository', 'moved', '--create')
    assert.equal(alone.code, 0)
    assert.match(alone.stderr, /left out the sub-folders Team B; with --tenants/)
    const all = await run('import', source, '--repository', 'moved', '--create', '--tenants')
    assert.equal(all.code, 1)
    assert.match(all.stdout, /refused .*outer-0\.1\.0\.tgz: not a repository name: "moved\/Team B"/)
    assert.match(all.stdout, /^1 created, 1 unchanged, 1 refused, 0 of them lenient$/m)
    assert.deepEqual(Object.keys(await entriesOf('/moved/team-a/stable')), ['inner'])
  })

  describe('--lenient', () => {
    const twice = [
      { name: 'demo/Chart.yaml', content: chartYaml() },
      { name: 'demo/values.yaml', content: 'a: 1\n' },
      { name: 'demo/values.yaml', content: 'a: 2\n' },
    ]

    it('takes and marks what only Helm reads, and nothing without the flag', async () => {
      await put('demo-0.1.0.tgz', await archive(twice))
      await put('other-0.1.0.tgz', await chart({ name: 'other' }))
      const strict = await importFrom()
      assert.match(strict.stdout, /refused .*: the archive's member "demo\/values\.yaml" is there twice/)
      const lenient = await importFrom('--lenient')
      assert.equal(lenient.code, 0)
      assert.match(lenient.stdout, /^lenient .*demo-0\.1\.0\.tgz: .* is there twice$/m)
      assert.match(lenient.stdout, /^1 created, 1 unchanged, 0 refused, 1 of them lenient$/m)
      assert.match(
        (await run('fsck')).stdout,
        /^1 versions were imported leniently\n2 versions checked, 0 broken$/m,
      )
      const listed = jsonOf(await get('/api/charts/demo')) as { lenient?: true }[]
      assert.equal(listed[0]?.lenient, true)
      assert.equal((jsonOf(await get('/api/charts/demo/0.1.0')) as { lenient?: true }).lenient, true)
      assert.equal((jsonOf(await get('/api/charts/other/0.1.0')) as { lenient?: true }).lenient, undefined)
      assert.equal((await get('/index.yaml')).bytes.includes('lenient'), false)
      await assertSound()
    })

    it('keeps to the metadata rules', async () => {
      await put(
        'demo-0.1.0.tgz',
        await archive([{ name: './Chart.yaml', content: 'name: demo\nversion: one\n' }]),
      )
      const { code, stdout } = await importFrom('--lenient')
      assert.equal(code, 1)
      assert.match(stdout, /not a SemVer 2 version/)
      assert.deepEqual(await entriesOf(), {})
    })
  })

  describe('from a URL', () => {
    let other: TestServer
    let flags: readonly string[]

    beforeEach(async () => {
      other = await TestServer.start()
      const { certFile, keyFile, caFile } = await (await other.reader()).write(join(folder, 'peer'), 'reader')
      flags = ['--repository', '/', '--cert-file', certFile, '--key-file', keyFile, '--ca-file', caFile]
      for (const name of ['demo', 'other']) {
        const body = await chart({ name })
        await other.request(await other.admin(), 'POST', '/api/charts', { body })
      }
    })

    afterEach(async () => {
      await other.close()
    })

    it('takes over every version with its date, by client certificate', async () => {
      const { code, stdout, stderr } = await run('import', other.url, ...flags)
      assert.equal(code, 0, stdout + stderr)
      assert.match(stdout, /^2 created, 0 unchanged/)
      const theirs = jsonOf(await other.request(await other.reader(), 'GET', '/index.yaml')) as {
        entries: Entries
      }
      assert.deepEqual(await entriesOf(), theirs.entries)
      assert.match((await run('import', other.url, ...flags)).stdout, /^0 created, 2 unchanged/)
      await assertSound()
    })

    it('says whom the server refuses', async () => {
      const [, , ...noCertificate] = ['', '', '--repository', '/', '--ca-file', flags.at(-1) ?? '']
      const { code, stderr } = await run('import', other.url, ...noCertificate)
      assert.equal(code, 1)
      assert.match(stderr, /answered 4\d\d for "\/index\.yaml"/)
    })
  })

  describe('export', () => {
    beforeEach(async () => {
      const key = await SigningKey.open({
        armored: await generateSigningKey({ userId: 'CI <ci@example.org>', now: new Date() }),
      })
      const demo = await chart()
      await put('demo-0.1.0.tgz', demo)
      await put('demo-0.1.0.tgz.prov', await signChart(key, demo))
      await put('demo-0.2.0.tgz', await chart({ version: '0.2.0' }))
      await put('team-a/inner-0.1.0.tgz', await chart({ name: 'inner' }))
      assert.equal((await importFrom('--tenants', '--create')).code, 0)
    })

    it('writes a copy that a web server can serve, brings it up to date, and leaves other files alone', async () => {
      const target = join(folder, 'static')
      const first = await run('export', target, '--repository', '/', '--all')
      assert.equal(first.code, 0, first.stderr)
      for (const path of [
        'index.yaml',
        'charts/demo-0.1.0.tgz',
        'charts/demo-0.1.0.tgz.prov',
        'keys/provenance.gpg',
      ]) {
        assert.deepEqual(await readFile(join(target, path)), (await get(`/${path}`)).bytes, path)
      }
      assert.deepEqual(
        await readFile(join(target, 'team-a/index.yaml')),
        (await get('/team-a/index.yaml')).bytes,
      )
      const back = await run('import', target, '--repository', 'copy', '--create', '--tenants')
      assert.match(back.stdout, /^3 created, 0 unchanged, 0 refused/)
      assert.deepEqual(await entriesOf('/copy'), await entriesOf())
      await writeFile(join(target, 'charts/notes.txt'), 'mine')
      await truncate(join(target, 'charts/demo-0.2.0.tgz'), 10)
      await server.request(await server.admin(), 'DELETE', '/api/charts/demo/0.1.0')
      const again = await run('export', target, '--repository', '/')
      assert.match(again.stdout, /1 versions: 4 files written, 1 unchanged, 2 removed/)
      assert.deepEqual((await readdir(join(target, 'charts'))).sort(), [
        'demo-0.2.0.tgz',
        'demo-0.2.0.tgz.prov',
        'notes.txt',
      ])
    })

    it('removes nothing from a folder that was no copy', async () => {
      const target = join(folder, 'static')
      await mkdir(join(target, 'charts'), { recursive: true })
      await writeFile(join(target, 'charts/mine-1.0.0.tgz'), 'mine')
      assert.match((await run('export', target, '--repository', '/')).stdout, /0 removed/)
      assert.equal(await readFile(join(target, 'charts/mine-1.0.0.tgz'), 'utf8'), 'mine')
    })

    it('makes a bundle from which another server has the same bytes, dates and origins', async () => {
      const bundle = join(folder, 'charts.tar')
      assert.equal((await run('export', bundle, '--repository', '/', '--all')).code, 0)
      const elsewhere = await TestServer.start()
      try {
        const config = ['--config', join(elsewhere.folder, 'chartroom.yaml'), '--repository', '/', '--create']
        const { code, stdout, stderr } = await runChartroom(['import', bundle, ...config])
        assert.equal(code, 0, stdout + stderr)
        assert.match(stdout, /^3 created/)
        const paths = ['charts/demo-0.1.0.tgz', 'charts/demo-0.1.0.tgz.prov', 'charts/demo-0.2.0.tgz.prov']
        for (const path of [...paths, 'team-a/charts/inner-0.1.0.tgz.prov']) {
          const reply = await elsewhere.request(await elsewhere.reader(), 'GET', `/${path}`)
          assert.deepEqual(reply.bytes, (await get(`/${path}`)).bytes, path)
        }
        const theirs = await elsewhere.request(await elsewhere.reader(), 'GET', '/index.yaml')
        assert.deepEqual((jsonOf(theirs) as { entries: Entries }).entries, await entriesOf())
        assert.match((await runChartroom(['import', bundle, ...config])).stdout, /^0 created, 3 unchanged/)
      } finally {
        await elsewhere.close()
      }
    })

    it('refuses to copy a repository that is not there, or to where nothing can be written', async () => {
      const unknown = await run('export', join(folder, 'x'), '--repository', 'nowhere')
      assert.equal(unknown.code, 1)
      assert.match(unknown.stderr, /there is no repository nowhere/)
      const target = join(source, 'demo-0.1.0.tgz', 'x.tar')
      const unwritable = await run('export', target, '--repository', '/')
      assert.equal(unwritable.code, 1)
      assert.match(unwritable.stderr, /x\.tar cannot be written: (?:EEXIST|ENOTDIR)/)
      const folderBelowFile = await run('export', join(source, 'demo-0.1.0.tgz', 'y'), '--repository', '/')
      assert.match(folderBelowFile.stderr, /cannot be written: (?:EEXIST|ENOTDIR)/)
    })

    it('refuses a bundle that is cut off, keeping what came before', async () => {
      const bundle = join(folder, 'charts.tar')
      await run('export', bundle, '--repository', '/')
      const { length } = await readFile(bundle)
      await truncate(bundle, Math.floor(length / 2))
      const { code, stderr } = await run('import', bundle, '--repository', 'copy', '--create')
      assert.equal(code, 1)
      assert.match(stderr, /charts\.tar (?:cannot be read as a bundle|ends before)/)
      await assertSound()
    })

    it('refuses a file that is no bundle', async () => {
      const { code, stderr } = await run('import', join(source, 'demo-0.1.0.tgz'), '--repository', '/')
      assert.equal(code, 1)
      assert.match(stderr, /demo-0\.1\.0\.tgz (?:is no bundle|cannot be read as a bundle)/)
    })
  })
})

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
