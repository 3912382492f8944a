import assert from 'node:assert/strict'
import { chart } from '../support/chart-builder.ts'
import { runChartroom, type CommandResult } from '../support/command-line.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer } from '../support/test-server.ts'

const VERSIONS = ['1.0.0', '1.1.0', '2.0.0', '3.0.0-rc.1', '3.0.0-rc.2']

describe('chartroom retain', () => {
  let server: TestServer
  let admin: TestPeer

  beforeEach(async () => {
    server = await TestServer.start({
      settings: {
        repositories: [
          { name: 'counted', retention: { keepVersions: 2 } },
          { name: 'aged', retention: { keepFor: '90d' } },
          { name: 'frozen', retention: { keepVersions: 1 } },
          { name: 'free' },
        ],
      },
    })
    admin = await server.admin()
    for (const repository of ['counted', 'aged', 'free']) {
      for (const version of VERSIONS) await publish(repository, version)
    }
  })

  afterEach(async () => {
    await server.close()
  })

  async function publish(repository: string, version: string): Promise<void> {
    const body = await chart({ version })
    const reply = await server.request(admin, 'POST', `/api/${repository}/charts`, { body })
    assert.equal(reply.status, 201, reply.reason)
  }

  async function run(now: Date, ...args: readonly string[]): Promise<CommandResult> {
    return runChartroom(['retain', ...args, '--config', server.config.file ?? ''], { now })
  }

  async function versions(repository: string): Promise<readonly string[]> {
    const reply = await server.request(admin, 'GET', `/${repository}/index.yaml`)
    const { entries } = jsonOf(reply) as { entries: Record<string, { version: string }[]> }
    return (entries['demo'] ?? []).map(({ version }) => version)
  }

  function daysFromNow(days: number): Date {
    return new Date(Date.now() + days * 86_400_000)
  }

  it('says what would go and why, and changes nothing', async () => {
    const { code, stdout } = await run(daysFromNow(91))
    assert.equal(code, 0)
    assert.equal(
      stdout,
      [
        ...['1.0.0', '1.1.0', '3.0.0-rc.1', '3.0.0-rc.2'].map(
          (version) => `aged: demo ${version} would be deleted: published 91 days ago`,
        ),
        ...['1.0.0', '1.1.0'].map(
          (version) => `counted: demo ${version} would be deleted: not among the newest 2`,
        ),
        '6 versions would be deleted; --apply does it\n',
      ].join('\n'),
    )
    for (const repository of ['aged', 'counted']) {
      assert.deepEqual(await versions(repository), VERSIONS.toReversed())
    }
  })

  it('deletes it, audited with the reason, and finds nothing more to do', async () => {
    const first = await run(daysFromNow(0), '--apply')
    assert.equal(first.code, 0, first.stderr)
    assert.match(first.stdout, /^counted: demo 1\.0\.0 deleted: not among the newest 2\n/)
    assert.match(first.stdout, /2 versions deleted; "chartroom gc" frees their space\n$/)
    assert.deepEqual(await versions('counted'), ['3.0.0-rc.2', '3.0.0-rc.1', '2.0.0'])
    for (const repository of ['aged', 'free'])
      assert.deepEqual(await versions(repository), VERSIONS.toReversed())
    assert.equal((await run(daysFromNow(0), '--apply')).stdout, '0 versions deleted\n')

    const reply = await server.request(admin, 'GET', '/api/audit?repository=counted&action=delete')
    const entries = jsonOf(reply) as { version: string; detail: string; who: string }[]
    assert.deepEqual(
      entries.map(({ version, detail }) => `${version} ${detail}`),
      ['1.1.0 retention: not among the newest 2', '1.0.0 retention: not among the newest 2'],
    )
    assert.match(entries[0]?.who ?? '', /^cli:/)
  })

  it('keeps to one repository where it is told so', async () => {
    const { stdout } = await run(daysFromNow(91), '--apply', '--repository', 'aged')
    assert.match(stdout, /^4 versions deleted/m)
    assert.deepEqual(await versions('aged'), ['2.0.0'])
    assert.deepEqual(await versions('counted'), VERSIONS.toReversed())
  })

  it('goes through more versions than one batch has', async () => {
    for (let patch = 0; patch < 105; patch++) await publish('counted', `0.1.${patch}`)
    const { stdout } = await run(daysFromNow(0), '--apply', '--repository', 'counted')
    assert.match(stdout, /^107 versions deleted/m)
    assert.deepEqual(await versions('counted'), ['3.0.0-rc.2', '3.0.0-rc.1', '2.0.0'])
  }).timeout(30_000)

  it('stops when it is asked to, and goes on where it stopped', async () => {
    const args = ['retain', '--apply', '--config', server.config.file ?? '']
    const { code, stderr } = await runChartroom(args, { terminated: AbortSignal.abort() })
    assert.notEqual(code, 0)
    assert.match(stderr, /interrupted; the same command goes on/)
    assert.deepEqual(await versions('counted'), VERSIONS.slice(1).toReversed())
    assert.match((await run(daysFromNow(0), '--apply')).stdout, /^1 versions deleted/m)
  })

  it('refuses a repository that has none, is not there, or is read-only', async () => {
    const refusals = [
      ['free', /free has no retention in the configuration/],
      ['nowhere', /there is no repository nowhere/],
    ] as const
    for (const [repository, reason] of refusals) {
      const { code, stderr } = await run(daysFromNow(0), '--repository', repository)
      assert.notEqual(code, 0)
      assert.match(stderr, reason)
    }
    const environment = { CHARTROOM_READ_ONLY: 'true' }
    const args = ['retain', '--apply', '--config', server.config.file ?? '']
    const frozen = await runChartroom([...args, '--repository', 'counted'], { environment })
    assert.match(frozen.stderr, /counted is read-only/)
    assert.equal((await runChartroom(args, { environment })).stdout, '0 versions deleted\n')
    assert.deepEqual(await versions('counted'), VERSIONS.toReversed())
  })
})
