import assert from 'node:assert/strict'
import { type MirrorStatus } from '../../src/mirror/status.ts'
import { ChartUpstream } from '../support/chart-upstream.ts'
import { runChartroom, type CommandResult } from '../support/command-line.ts'
import { Installation } from '../support/installation.ts'

const URL_OF_OTHERS = 'https://charts.example.org/stable'

describe('chartroom mirror', function () {
  this.timeout(20_000)

  let upstream: ChartUpstream
  let installation: Installation

  beforeEach(async () => {
    upstream = await ChartUpstream.start()
  })

  afterEach(async () => {
    await upstream.close()
    await installation.remove()
  })

  async function install(...mirrors: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
    const repositories = mirrors.map(({ name = 'mirror/up', ...mirror }) => ({
      name,
      mirror: { upstreams: [upstream.settings()], ...mirror },
    }))
    installation = await Installation.create({
      settings: { repositories: [...repositories, { name: 'team-a' }] },
    })
  }

  async function mirror(...args: readonly string[]): Promise<CommandResult> {
    return runChartroom(['mirror', ...args, '--config', installation.configFile])
  }

  describe('status', () => {
    it('says how far a mirror is', async () => {
      await upstream.add({ version: '1.0.0' })
      await upstream.add({ version: '1.1.0' }, { digest: 'f'.repeat(64) })
      await install({ mode: 'both' })
      await mirror('sync')
      const { code, stdout } = await mirror('status')
      assert.equal(code, 0)
      const [title, last, heading, row] = stdout.split('\n')
      assert.equal(title, 'mirror/up: both')
      assert.match(last ?? '', /^ {2}last sync 20\S+ by cli:\S+: 1 fetched, 0 unchanged, 0 held, 1 refused/)
      assert.match(
        heading ?? '',
        /UPSTREAM +URL +READ +ENTRIES +NOT FETCHED +STORED +HELD +REJECTED +REFUSED +LAST ERROR/,
      )
      assert.match(row ?? '', /^ {2}up +http:\S+ +\d+ s ago +2 +1 +1 +0 +0 +0 +-$/)
    })

    it('says what an upstream answered last, and that it was never read', async () => {
      upstream.answer('/index.yaml', (response) => response.writeHead(503).end())
      await install({ mode: 'sync' })
      await mirror('sync')
      const { stdout } = await mirror('status', 'mirror/up', '--format', 'json')
      const [status] = JSON.parse(stdout) as readonly MirrorStatus[]
      const [found] = status?.upstreams ?? []
      assert.match(found?.failure?.reason ?? '', /503/)
      assert.equal(found?.isStale, true)
      assert.equal(found.checkedAt, undefined)
      assert.equal(status?.lastSync?.complete, false)
    })

    it('refuses what is no mirror', async () => {
      await install({})
      await mirror('sync', 'mirror/up')
      const { code, stderr } = await mirror('status', 'team-a')
      assert.equal(code, 1)
      assert.match(stderr, /team-a is no mirror by the configuration/)
    })
  })

  describe('diff', () => {
    it('tells what is missing here, gone there and held back', async () => {
      await upstream.add({ version: '1.0.0' })
      await upstream.add({ version: '1.1.0' })
      await install({ mode: 'sync', quarantine: '7d' })
      const untouched = await mirror('diff', 'mirror/up')
      assert.match(untouched.stdout, /^\? demo 1\.0\.0 \(up\): held back$/m)
      await mirror('sync')
      await mirror('release', 'mirror/up', 'demo', '1.0.0')
      await mirror('sync')
      upstream.remove('demo', '1.0.0')
      await upstream.add({ name: 'other' })
      const { code, stdout } = await mirror('diff', 'mirror/up')
      assert.equal(code, 0)
      assert.deepEqual(stdout.split('\n').toSorted(), [
        '',
        '- demo 1.0.0 (up): gone upstream; stored here',
        '0 stored and the same, 3 not',
        '? demo 1.1.0 (up): held back',
        '? other 0.1.0 (up): held back',
      ])
      await mirror('release', 'mirror/up', 'demo')
      assert.match((await mirror('diff', 'mirror/up')).stdout, /^\+ demo 1\.1\.0 \(up\): not stored$/m)
    })

    it('fails where an upstream cannot be read', async () => {
      await install({})
      upstream.answer('/index.yaml', (response) => response.writeHead(404).end())
      const { code, stdout } = await mirror('diff', 'mirror/up')
      assert.equal(code, 1)
      assert.match(stdout, /^failed up: /m)
    })
  })

  describe('release and reject', () => {
    it('let through and keep out, also what was rejected before', async () => {
      await upstream.add({ version: '1.0.0' })
      await upstream.add({ version: '1.1.0' })
      await install({ mode: 'sync', approve: true })
      assert.match((await mirror('sync')).stdout, /^held demo 1\.0\.0 \(up\): until it is released$/m)
      const rejected = await mirror('reject', 'mirror/up', 'demo')
      assert.equal(rejected.stdout, 'demo 1.0.0 rejected\ndemo 1.1.0 rejected\n')
      assert.match((await mirror('sync')).stdout, /0 fetched, 0 unchanged, 0 held, 0 refused/)
      const unnamed = await mirror('release', 'mirror/up', 'demo')
      assert.match(
        unnamed.stderr,
        /nothing of demo to decide on; rejected: 1\.0\.0 1\.1\.0 \(name them to release them\)/,
      )
      const released = await mirror('release', 'mirror/up', 'demo', '1.1.0')
      assert.equal(released.stdout, 'demo 1.1.0 released\n')
      assert.match((await mirror('sync')).stdout, /1 fetched/)
    })

    it('take another digest than was seen first, of named versions, where that is asked for', async () => {
      await upstream.add({ version: '1.0.0' }, { digest: 'f'.repeat(64) })
      await install({ mode: 'sync', approve: true })
      await mirror('sync')
      upstream.remove('demo', '1.0.0')
      await upstream.add({ version: '1.0.0' })
      await mirror('sync')
      await mirror('release', 'mirror/up', 'demo')
      assert.match((await mirror('sync')).stdout, /0 fetched.* 1 refused/)
      const plain = await mirror('release', 'mirror/up', 'demo', '1.0.0')
      assert.match(plain.stderr, /demo 1\.0\.0 is open already, but has another digest upstream by now/)
      const unnamed = await mirror('release', 'mirror/up', 'demo', '--accept-digest')
      assert.match(unnamed.stderr, /name the versions whose digests are to be accepted/)
      const accepted = await mirror('release', 'mirror/up', 'demo', '1.0.0', '--accept-digest')
      assert.equal(accepted.stdout, 'demo 1.0.0 released\n')
      assert.match((await mirror('sync')).stdout, /1 fetched/)
    })

    it('say why there is nothing to decide on', async () => {
      await upstream.add({ version: '1.0.0' })
      await install({ mode: 'sync' })
      await mirror('sync')
      for (const [args, reason] of [
        [['demo', '9.9.9'], 'demo 9.9.9 is offered by no upstream'],
        [['demo', '1.0.0'], 'demo 1.0.0 is stored already: delete it instead'],
        [['other'], 'there is nothing of other to decide on'],
      ] as const) {
        const { code, stderr } = await mirror('reject', 'mirror/up', ...args)
        assert.equal(code, 1)
        assert.ok(stderr.includes(reason), stderr)
      }
    })
  })

  describe('closure', () => {
    it('refuses what is no mirror', async () => {
      await install({})
      const { code, stderr } = await mirror('closure', 'team-a')
      assert.equal(code, 1)
      assert.match(stderr, /team-a is no mirror by the configuration/)
    })

    const dependsOn = (...dependencies: readonly Readonly<Record<string, unknown>>[]) => ({
      metadata: { dependencies },
    })

    it('names the dependencies that are neither here nor in the mirror of their repository', async () => {
      await upstream.add({ name: 'common', version: '2.1.0' })
      const own = upstream.server.url('').href
      await upstream.add({
        name: 'app',
        ...dependsOn(
          { name: 'common', version: '2.x.x', repository: own },
          { name: 'redis', version: '~18.0.0', repository: URL_OF_OTHERS },
        ),
      })
      await upstream.add({
        name: 'web',
        ...dependsOn(
          { name: 'redis', version: '~18.0.0', repository: URL_OF_OTHERS },
          { name: 'common', version: '3.x.x', repository: own },
          { name: 'nearby', version: '1.0.0', repository: 'file://../nearby' },
          { name: 'within', version: '1.0.0' },
          { name: 'called', version: '1.0.0', repository: '@bitnami' },
        ),
      })
      await install({ mode: 'sync' })
      await mirror('sync')
      const { code, stdout } = await mirror('closure', 'mirror/up')
      assert.equal(code, 1)
      assert.deepEqual(stdout.split('\n').toSorted(), [
        '',
        '1 dependencies present, 2 missing, 1 by an alias, 2 bundled',
        'alias   called 1.0.0 from @bitnami, needed by web 0.1.0; which repository that is, the chart does not say',
        'bundled nearby 1.0.0 from file://../nearby, needed by web 0.1.0; the chart itself must bring it along',
        'bundled within 1.0.0, needed by web 0.1.0; the chart itself must bring it along',
        `missing common 3.x.x from ${own}, needed by web 0.1.0; not in mirror/up either, which mirrors it`,
        `missing redis ~18.0.0 from ${URL_OF_OTHERS}, needed by app 0.1.0 and 1 more; no mirror of that repository is configured`,
      ])
    })

    it('finds them in another mirror of that repository, stored or only listed', async () => {
      const others = await ChartUpstream.start()
      try {
        await others.add({ name: 'redis', version: '18.0.4' })
        const repository = `${others.server.url('').href}/`
        await upstream.add({ name: 'app', ...dependsOn({ name: 'redis', version: '~18.0.0', repository }) })
        await install(
          { mode: 'sync' },
          { name: 'mirror/others', mode: 'both', upstreams: [others.settings()] },
        )
        await mirror('sync', 'mirror/up')
        const before = await mirror('closure', 'mirror/up', '--format', 'json')
        assert.equal(before.code, 1)
        assert.deepEqual(
          (JSON.parse(before.stdout) as { missing: { mirrors: string[] }[] }).missing[0]?.mirrors,
          ['mirror/others'],
        )
        await mirror('sync', 'mirror/others')
        const after = await mirror('closure', 'mirror/up')
        assert.equal(after.code, 0, after.stdout)
        assert.equal(after.stdout, '1 dependencies present, 0 missing, 0 by an alias, 0 bundled\n')
      } finally {
        await others.close()
      }
    })

    it('refuses what the configuration does not know', async () => {
      await install({ mode: 'sync' })
      await mirror('sync')
      assert.match((await mirror('closure', 'nowhere')).stderr, /nowhere is no mirror by the configuration/)
    })
  })

  for (const command of ['sync', 'status', 'diff', 'release', 'reject', 'closure']) {
    it(`explains ${command} with --help`, async () => {
      await install({})
      const { code, stdout } = await mirror(command, '--help')
      assert.equal(code, 0)
      assert.match(stdout, new RegExp(`^Usage: chartroom mirror ${command} `))
    })
  }
})
