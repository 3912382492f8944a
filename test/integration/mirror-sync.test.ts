import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type SyncReport } from '../../src/mirror/sync-report.ts'
import { ChartUpstream } from '../support/chart-upstream.ts'
import { runChartroom, type CommandOptions, type CommandResult } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { Installation } from '../support/installation.ts'
import { assertStored, filesBelow } from '../support/leftovers.ts'
import { ServerProcess } from '../support/server-process.ts'

const DAY_MS = 86_400_000
const OTHER_DIGEST = 'f'.repeat(64)

describe('chartroom mirror sync', function () {
  this.timeout(60_000)

  let upstream: ChartUpstream
  let installation: Installation

  beforeEach(async () => {
    upstream = await ChartUpstream.start()
  })

  afterEach(async () => {
    await upstream.close()
    await installation.remove()
  })

  async function install(
    mirror: Readonly<Record<string, unknown>> = {},
    upstreamSettings: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const upstreams = [upstream.settings(upstreamSettings)]
    const repositories = [{ name: 'mirror/up', mirror: { mode: 'sync', upstreams, ...mirror } }]
    installation = await Installation.create({ settings: { repositories } })
  }

  async function run(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
    return runChartroom([...args, '--config', installation.configFile], options)
  }

  async function sync(...flags: readonly string[]): Promise<CommandResult> {
    return run(['mirror', 'sync', ...flags])
  }

  async function syncReport(): Promise<SyncReport> {
    const { stdout } = await sync('--format', 'json')
    const [report] = JSON.parse(stdout) as readonly SyncReport[]
    assert.ok(report)
    return report
  }

  it('fetches everything once, and says so', async () => {
    await upstream.add({ version: '1.0.0' })
    await upstream.add({ version: '1.1.0' })
    await upstream.add({ name: 'other' })
    await install()
    const first = await sync()
    assert.deepEqual(first, {
      code: 0,
      stdout: 'mirror/up: 3 fetched, 0 unchanged, 0 held, 0 refused\n',
      stderr: '',
    })
    const second = await sync('mirror/up')
    assert.equal(second.stdout, 'mirror/up: 0 fetched, 3 unchanged, 0 held, 0 refused\n')
    assert.equal(upstream.archiveRequests.length, 3)
    assert.equal((await run(['fsck'])).stdout, '3 versions checked, 0 broken\n')
    await assertStored(installation.storage, { blobs: 6 })
    const trail = await run(['audit', '--action', 'mirror-sync'])
    assert.match(trail.stdout, /3 fetched, 0 unchanged/)
  })

  it('shows a bar on a terminal', async () => {
    await upstream.add()
    await install()
    const { stderr } = await run(['mirror', 'sync'], { columns: 100 })
    assert.match(stderr, /fetching mirror\/up \[#+\] 1 of 1/)
  })

  it('changes nothing with --dry-run, and says what it would', async () => {
    await upstream.add({ version: '1.0.0' })
    await upstream.add({ version: '2.0.0' })
    await install({}, { include: [{ versions: '>=2.0.0' }] })
    const { code, stdout } = await sync('--dry-run')
    assert.equal(code, 0)
    assert.equal(
      stdout,
      'would fetch demo 2.0.0 (up)\nmirror/up: 1 would be fetched, 0 unchanged, 0 held, 0 gone, 0 changed\n',
    )
    assert.deepEqual(upstream.archiveRequests, [])
    await assertStored(installation.storage, { blobs: 0 })
  })

  it('refuses one archive with the reason and takes the others', async () => {
    await upstream.add({ version: '1.0.0' }, { digest: OTHER_DIGEST })
    await upstream.add({ version: '1.1.0' })
    await install()
    const { code, stdout } = await sync()
    assert.equal(code, 1)
    assert.match(stdout, /^refused demo 1\.0\.0 \(up\): .*digest/m)
    assert.match(stdout, /1 fetched, 0 unchanged, 0 held, 1 refused$/m)
    await assertStored(installation.storage, { blobs: 2 })
    assert.match((await sync()).stdout, /0 fetched, 1 unchanged, 0 held, 1 refused$/m)
    const audit = await run(['audit', '--action', 'mirror-sync', '--format', 'json'])
    assert.doesNotMatch(audit.stdout, /"outcome":"(?:done|unchanged)"/)
    const rejected = await run(['mirror', 'reject', 'mirror/up', 'demo', '1.0.0'])
    assert.equal(rejected.stdout, 'demo 1.0.0 rejected\n')
    assert.equal((await sync()).code, 0, 'what is rejected is not tried again')
  })

  it('says which entries of an index make no sense', async () => {
    await upstream.add({ version: '1.0.0' })
    await upstream.add({ version: 'nonsense' })
    await install()
    const { code, stdout } = await sync()
    assert.equal(code, 0)
    assert.match(stdout, /^left out demo nonsense \(up\): /m)
  })

  it('leaves an upstream that fails to the next run', async () => {
    await upstream.add()
    upstream.answer('/index.yaml', (response) => response.writeHead(500).end())
    await install()
    const { code, stdout } = await sync()
    assert.equal(code, 1)
    assert.match(stdout, /^failed up: .*500/m)
    assert.match(stdout, /not read: up$/m)
  })

  it('tries again what passes', async () => {
    await upstream.add()
    const { ['/demo-0.1.0.tgz']: whole } = upstream.server.answers
    upstream.answer('/demo-0.1.0.tgz', (response, request) => {
      if (upstream.archiveRequests.length === 1) response.writeHead(429, { 'retry-after': '1' }).end()
      else whole?.(response, request)
    })
    await install()
    assert.equal((await sync()).stdout, 'mirror/up: 1 fetched, 0 unchanged, 0 held, 0 refused\n')
  })

  it('ends at a quota, without downloading the rest', async () => {
    for (const version of ['1.0.0', '1.1.0', '1.2.0', '1.3.0']) await upstream.add({ version })
    const upstreams = [upstream.settings()]
    const mirror = { mode: 'sync', concurrency: 1, upstreams }
    const repositories = [{ name: 'mirror/up', mirror, quota: { versions: 1 } }]
    installation = await Installation.create({ settings: { repositories } })
    const { code, stdout } = await sync()
    assert.equal(code, 1)
    assert.match(stdout, /1 fetched, .*3 left for the next run; .*has no room/)
    assert.equal(upstream.archiveRequests.length, 1)
  })

  it('holds back what is new, until it has aged or is released', async () => {
    await upstream.add({ version: '1.0.0' }, { created: '2020-01-01T00:00:00Z' })
    await install({ quarantine: '7d' })
    await sync()
    await upstream.add({ version: '1.1.0' }, { created: '2020-01-01T00:00:00Z' })
    await upstream.add({ version: '1.2.0' })
    const { stdout } = await sync()
    assert.match(stdout, /^held demo 1\.1\.0 \(up\): until 20/m)
    assert.match(stdout, /0 fetched, 1 unchanged, 2 held, 0 refused$/m)
    const released = await run(['mirror', 'release', 'mirror/up', 'demo', '1.1.0'])
    assert.equal(released.stdout, 'demo 1.1.0 released\n')
    assert.match((await sync()).stdout, /1 fetched, 1 unchanged, 1 held/)
    const later = { now: new Date(Date.now() + 8 * DAY_MS) }
    assert.match((await run(['mirror', 'sync'], later)).stdout, /1 fetched, 2 unchanged, 0 held/)
    assert.match((await run(['audit', '--action', 'mirror-release'])).stdout, /demo\s+1\.1\.0/)
  })

  it('keeps what is gone upstream', async () => {
    await upstream.add({ version: '1.0.0' })
    await upstream.add({ version: '1.1.0' })
    await install()
    await sync()
    upstream.remove('demo', '1.0.0')
    assert.match((await sync()).stdout, /0 fetched, .*, 1 gone$/m)
    assert.match((await run(['fsck'])).stdout, /^2 versions checked/)
  })

  it('withdraws what is gone upstream where that is wanted', async () => {
    await upstream.add({ version: '1.0.0' })
    await upstream.add({ version: '1.1.0' })
    await install({ onUpstreamDelete: 'withdraw' })
    await sync()
    upstream.remove('demo', '1.0.0')
    const report = await syncReport()
    assert.deepEqual(
      report.upstreams.map(({ gone, withdrawn }) => ({ gone, withdrawn })),
      [{ gone: 1, withdrawn: 1 }],
    )
    assert.match((await run(['fsck'])).stdout, /^1 versions checked/)
  })

  it('keeps what an upstream has changed', async () => {
    await upstream.add({ version: '1.0.0' })
    await install()
    await sync()
    upstream.claimDigest('demo', '1.0.0', OTHER_DIGEST)
    assert.match((await sync()).stdout, /0 fetched, 1 unchanged, .*, 1 alarm$/m)
    const diff = await run(['mirror', 'diff', 'mirror/up'])
    assert.match(diff.stdout, /^~ demo 1\.0\.0 \(up\): upstream has sha256:f+ now; what is stored stays$/m)
    assert.match((await run(['fsck'])).stdout, /^1 versions checked, 0 broken/)
  })

  it('asks nobody while it is offline', async () => {
    await upstream.add()
    await install({ offline: true })
    const { code, stdout } = await sync()
    assert.equal(code, 0)
    assert.equal(stdout, 'mirror/up: offline by its setting: no upstream is asked\n')
    const rehearsal = await sync('--dry-run')
    assert.deepEqual([rehearsal.code, rehearsal.stdout], [1, ''])
    assert.match(rehearsal.stderr, /mirror\/up is offline by its setting/)
    assert.deepEqual(upstream.server.requests, [])
  })

  it('names what is no mirror', async () => {
    await install({ mode: 'pull-through' })
    const other = await sync('team-a')
    assert.equal(other.code, 1)
    assert.match(other.stderr, /team-a is no mirror by the configuration/)
    assert.match((await sync()).stderr, /no repository is a mirror with mode sync or both/)
  })

  /** Until it is told to go on, an upstream sends nothing of the archive. */
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

  it('is done by one process at a time', async () => {
    await upstream.add()
    await install()
    const goOn = stall('/demo-0.1.0.tgz')
    const first = sync()
    await eventually(() => {
      assert.equal(upstream.archiveRequests.length, 1)
    })
    const second = await sync()
    assert.deepEqual(second, { code: 1, stdout: 'mirror/up: another process is at it\n', stderr: '' })
    goOn()
    assert.match((await first).stdout, /1 fetched/)
    assert.match((await sync()).stdout, /1 unchanged/, 'the lease is given back')
  })

  async function begunInItsOwnProcess(): Promise<ServerProcess> {
    for (let minor = 0; minor < 12; minor += 1) await upstream.add({ version: `1.${minor}.0` })
    stall('/demo-1.5.0.tgz')
    await install({ concurrency: 1 })
    const process = ServerProcess.run('mirror', 'sync', '--config', installation.configFile)
    await process.explaining(() =>
      eventually(() => {
        assert.ok(upstream.archiveRequests.includes('demo-1.5.0.tgz'))
      }),
    )
    return process
  }

  it('is gone on with after SIGKILL', async () => {
    const killed = await begunInItsOwnProcess()
    await killed.kill('SIGKILL')
    assert.ok((await filesBelow(join(installation.storage, 'blobs'))).length > 0)
    upstream.remove('demo', '1.5.0')
    await upstream.add({ version: '1.5.0' })
    const busy = await sync()
    assert.match(busy.stdout, /another process is at it/)
    const options = { now: new Date(Date.now() + 120_000) }
    const { code, stdout } = await run(['mirror', 'sync'], options)
    const [, fetched = '', unchanged = ''] = /(\d+) fetched, (\d+) unchanged/.exec(stdout) ?? []
    assert.equal(code, 0, stdout)
    assert.equal(Number(fetched) + Number(unchanged), 12)
    assert.ok(Number(unchanged) > 0, stdout)
    assert.equal((await run(['fsck'])).stdout, '12 versions checked, 0 broken\n')
    assert.deepEqual(await filesBelow(join(installation.storage, 'tmp')), [])
  })

  it('stops at SIGTERM, and is gone on with at once', async () => {
    const stopped = await begunInItsOwnProcess()
    await stopped.kill('SIGTERM')
    assert.deepEqual(await stopped.exited, { code: 1, signal: null })
    assert.match(stopped.output, /7 fetched, .*5 left for the next run; interrupted/)
    upstream.remove('demo', '1.5.0')
    await upstream.add({ version: '1.5.0' })
    assert.match((await sync()).stdout, /5 fetched, 7 unchanged/)
    assert.equal((await run(['fsck'])).stdout, '12 versions checked, 0 broken\n')
    await assertStored(installation.storage, { blobs: 24 })
  })
})
