import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AuditEntry } from '../../src/catalog/catalog.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { actor } from '../support/catalog-samples.ts'
import { chart } from '../support/chart-builder.ts'
import { runChartroom } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { form } from '../support/form.ts'
import { selfSignedClient, type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply, type RequestOptions } from '../support/test-server.ts'
import { signChart } from '../support/use-cases.ts'

const CI = 'built-in cn:"ci"'

/** As JSON has them. */
type Entry = Omit<AuditEntry, 'at'> & { readonly id: number; readonly at: string }

describe('the audit trail', () => {
  let server: TestServer
  let admin: TestPeer
  let ci: TestPeer
  let reader: TestPeer
  let archive: Buffer
  let publisher: SigningKey
  let requests = 0

  before(async () => {
    publisher = await SigningKey.open({
      armored: await generateSigningKey({ userId: 'P <p@example.org>', now: new Date() }),
    })
    archive = await chart()
  })

  beforeEach(async () => {
    server = await TestServer.start({
      settings: {
        audit: { reads: 'on' },
        repositories: [
          { name: 'team-a' },
          { name: 'loose', overwrite: 'forced' },
          { name: 'signed', provenance: { required: true } },
          { name: 'strict', provenance: { unknownSigner: 'refuse' } },
        ],
      },
    })
    admin = await server.admin()
    ci = await server.publisher()
    reader = await server.reader()
  })

  afterEach(async () => {
    await server.close()
  })

  async function list(query = '', peer = admin): Promise<readonly Entry[]> {
    const reply = await server.request(peer, 'GET', `/api/audit?limit=1000${query}`)
    assert.equal(reply.status, 200, reply.reason)
    return jsonOf(reply) as readonly Entry[]
  }

  /** What one request left in the trail, the oldest first. */
  async function traceOf(
    peer: TestPeer,
    method: string,
    path: string,
    options: RequestOptions = {},
  ): Promise<{ readonly reply: Reply; readonly entries: readonly Entry[] }> {
    requests += 1
    const requestId = `request-${requests}`
    const headers = { ...options.headers, 'x-request-id': requestId }
    const reply = await server.request(peer, method, path, { ...options, headers })
    const entries = (await list()).filter((entry) => entry.requestId === requestId)
    return { reply, entries: entries.toReversed() }
  }

  function inShort(entries: readonly Entry[]): readonly string[] {
    return entries.map(({ action, outcome }) => `${action} ${outcome}`)
  }

  async function publish(
    repository: string,
    peer = ci,
    query = '',
    body = archive,
  ): Promise<readonly string[]> {
    const { entries } = await traceOf(peer, 'POST', `/api/${repository}/charts${query}`, { body })
    return inShort(entries)
  }

  describe('of changes', () => {
    it('says who did what to which version, from where and in which request, once', async () => {
      const { entries } = await traceOf(ci, 'POST', '/api/team-a/charts', { body: archive })
      const [entry] = entries
      assert.deepEqual(entries, [
        {
          id: entry?.id,
          at: entry?.at,
          who: CI,
          from: '127.0.0.1',
          requestId: `request-${requests}`,
          action: 'publish',
          outcome: 'done',
          repository: 'team-a',
          chart: 'demo',
          version: '0.1.0',
        },
      ])
    })

    it('has what changed nothing as unchanged', async () => {
      assert.deepEqual(await publish('team-a'), ['publish done'])
      assert.deepEqual(await publish('team-a'), ['publish unchanged'])
    })

    it('has an overwritten version, a deleted one and one that came back', async () => {
      const other = await chart({ files: { 'values.yaml': 'other: true\n' } })
      assert.deepEqual(await publish('loose'), ['publish done'])
      assert.deepEqual(await publish('loose', admin, '?force', other), ['overwrite done'])
      const { entries } = await traceOf(admin, 'DELETE', '/api/loose/charts/demo/0.1.0')
      assert.deepEqual(inShort(entries), ['delete done'])
      assert.deepEqual(await publish('loose', ci, '', other), ['publish done'])
    })

    it('has a repository that a publish has made', async () => {
      assert.deepEqual(await publish('new', admin), ['create-repository done', 'publish done'])
    })

    it('has the repositories of the configuration', async () => {
      const made = await list('&who=configuration')
      assert.equal(made.length, 5)
      assert.deepEqual(new Set(inShort(made)), new Set(['create-repository done']))
    })

    it('has provenance that is attached, and attached again', async () => {
      await publish('team-a')
      const body = await signChart(publisher, archive)
      for (const expected of ['attach-provenance done', 'attach-provenance unchanged']) {
        const { entries } = await traceOf(ci, 'POST', '/api/team-a/prov', { body })
        assert.deepEqual(inShort(entries), [expected])
        assert.equal(entries[0]?.chart, 'demo')
      }
    })

    it('has both halves of a form that was sent again', async () => {
      const multipart = form([
        { name: 'chart', filename: 'demo-0.1.0.tgz', content: archive },
        { name: 'prov', filename: 'demo-0.1.0.tgz.prov', content: await signChart(publisher, archive) },
      ])
      const first = await traceOf(ci, 'POST', '/api/team-a/charts', multipart)
      assert.deepEqual(inShort(first.entries), ['publish done'])
      const second = await traceOf(ci, 'POST', '/api/team-a/charts', multipart)
      assert.deepEqual(inShort(second.entries), ['publish unchanged', 'attach-provenance unchanged'])
    })

    it('has what is done on the command line', async () => {
      const config = ['--config', join(server.folder, 'chartroom.yaml')]
      assert.equal((await runChartroom(['repo', 'create', 'by-hand', ...config])).code, 0)
      const [entry] = await list('&repository=by-hand')
      assert.match(entry?.who ?? '', /^cli:/)
      assert.equal(entry?.action, 'create-repository')
    })
  })

  describe('of refusals', () => {
    async function refused(
      peer: TestPeer,
      method: string,
      path: string,
      options?: RequestOptions,
    ): Promise<Entry> {
      const { reply, entries } = await traceOf(peer, method, path, options)
      assert.equal(reply.status, 403)
      const [entry, ...others] = entries
      assert.ok(entry)
      assert.deepEqual(others, [])
      assert.equal(entry.outcome, 'refused')
      return entry
    }

    it('says who was refused what, and why', async () => {
      const { action, who, repository, detail } = await refused(
        reader,
        'DELETE',
        '/api/team-a/charts/demo/0.1.0',
      )
      assert.deepEqual([action, who, repository], ['delete', 'built-in cn:"reader"', 'team-a'])
      assert.equal(detail, '"reader" may not delete from team-a')
    })

    it('has those before and those after the body is known', async () => {
      assert.equal((await refused(reader, 'POST', '/api/team-a/charts', { body: archive })).action, 'publish')
      await publish('loose')
      const body = await chart({ files: { 'values.yaml': 'other: true\n' } })
      const overwriting = await refused(ci, 'POST', '/api/loose/charts?force', { body })
      assert.match(overwriting.detail ?? '', /you may not overwrite it/)
    })

    it('has a chart without the provenance that the repository demands, and one by an unknown signer', async () => {
      const bare = await refused(ci, 'POST', '/api/signed/charts', { body: archive })
      assert.match(bare.detail ?? '', /takes no chart without its provenance file/)
      const multipart = form([
        { name: 'chart', filename: 'demo-0.1.0.tgz', content: archive },
        { name: 'prov', filename: 'x.prov', content: await signChart(publisher, archive) },
      ])
      assert.equal((await refused(ci, 'POST', '/api/strict/charts', multipart)).action, 'publish')
    })

    it('has nothing of peers that did not prove who they are: they are counted', async () => {
      const before = (await list()).length
      const stranger = await selfSignedClient({ cn: 'admin', ou: 'administrators' })
      for (const peer of [stranger, undefined]) {
        assert.equal(
          (await server.request(peer, 'POST', '/api/team-a/charts', { body: archive })).status,
          403,
        )
      }
      assert.equal((await list()).length, before)
      const metrics = await (await fetch(`${server.opsUrl}/metrics`)).text()
      assert.match(metrics, /chartroom_refused_peers_total\{reason="no-certificate"\} 1/)
    })
  })

  describe('of reads', () => {
    async function reads(): Promise<readonly string[]> {
      const entries = await list('&action=read&outcome=done')
      return entries
        .map(({ who, chart: name, version, detail }) => [who, name, version, detail].join(' '))
        .sort()
    }

    it('says who pulled which archive and which provenance file, and nothing of what sent no bytes', async () => {
      await publish('team-a')
      const path = '/team-a/charts/demo-0.1.0.tgz'
      const { headers } = await server.request(reader, 'GET', '/team-a/index.yaml')
      assert.ok(headers.etag)
      await server.request(reader, 'HEAD', path)
      const pulled = await server.request(reader, 'GET', path)
      const again = { headers: { 'if-none-match': pulled.headers.etag ?? '' } }
      assert.equal((await server.request(reader, 'GET', path, again)).status, 304)
      await server.request(ci, 'GET', `${path}.prov`)
      await eventually(async () => {
        assert.deepEqual(await reads(), [
          `${CI} demo 0.1.0 provenance`,
          'built-in cn:"reader" demo 0.1.0 archive',
        ])
      })
    })

    it('is written before the server has stopped', async () => {
      await publish('team-a')
      await server.request(reader, 'GET', '/team-a/charts/demo-0.1.0.tgz')
      await server.stop()
      const catalog = await SqliteCatalog.open({ file: join(server.config.storage, 'catalog.db') })
      const [newest] = await catalog.listAudit({ limit: 1 })
      await catalog.close()
      assert.deepEqual([newest?.action, newest?.who], ['read', 'built-in cn:"reader"'])
    })
  })

  describe('over HTTP', () => {
    it('is for administrators of the root repository', async () => {
      const { status, reason } = await server.request(ci, 'GET', '/api/audit')
      assert.deepEqual([status, reason], [403, 'Forbidden: "ci" is no administrator of the root repository'])
    })

    it('answers the filters', async () => {
      await publish('team-a')
      await publish('loose', admin)
      assert.deepEqual(inShort(await list('&who=ci')), ['publish done'])
      assert.deepEqual(inShort(await list('&repository=loose&action=publish')), ['publish done'])
      assert.deepEqual(await list('&outcome=refused'), [])
      assert.deepEqual(await list('&until=2020-01-01'), [])
      assert.equal((await list('&since=1h')).length, 7)
    })

    it('leads from page to page, to the end', async () => {
      await publish('team-a')
      const seen: number[] = []
      let path: string | undefined = '/api/audit?limit=2&action=create-repository'
      while (path !== undefined) {
        const reply: Reply = await server.request(admin, 'GET', path)
        seen.push(...(jsonOf(reply) as readonly Entry[]).map(({ id }) => id))
        const [, next] = /^<([^>]+)>; rel="next"$/.exec(String(reply.headers['link'] ?? '')) ?? []
        path = next === undefined ? undefined : `/api/audit${next}`
      }
      assert.deepEqual(
        seen,
        (await list('&action=create-repository')).map(({ id }) => id),
      )
      assert.equal(seen.length, 5)
    })

    const refused: readonly (readonly [string, RegExp])[] = [
      ['acton=read', /there is no filter "acton": since, until/],
      ['who=a&who=b', /who is given twice/],
      ['action=push', /action: expected one of publish/],
      ['limit=1001', /limit: expected a number from 1 to 1000/],
    ]
    for (const [query, message] of refused) {
      it(`refuses ?${query}`, async () => {
        const { status, reason } = await server.request(admin, 'GET', `/api/audit?${query}`)
        assert.equal(status, 400)
        assert.match(reason, message)
      })
    }
  })

  describe('on the command line', () => {
    async function audit(...args: readonly string[]) {
      return runChartroom(['audit', '--config', join(server.folder, 'chartroom.yaml'), ...args])
    }

    it('is a table, the newest first, while the server runs', async () => {
      await publish('team-a')
      const { code, stdout } = await audit('--repository', 'team-a')
      assert.equal(code, 0)
      const [heading, publishing, creating] = stdout.split('\n')
      assert.match(heading ?? '', /^TIME +WHO +FROM +ACTION +OUTCOME +REPOSITORY +CHART +DETAIL$/)
      assert.match(
        publishing ?? '',
        /^\S+Z +built-in cn:"ci" +127\.0\.0\.1 +publish +done +team-a +demo 0\.1\.0$/,
      )
      assert.match(creating ?? '', / configuration +local +create-repository +done +team-a$/)
    })

    it('shows the root repository as /, and none as nothing', async () => {
      const { stdout } = await audit('--repository', '/')
      assert.match(stdout, / create-repository +done +\/$/m)
      const catalog = await SqliteCatalog.open({ file: join(server.config.storage, 'catalog.db') })
      await catalog.appendAudit({
        ...actor('x'),
        action: 'admin',
        outcome: 'done',
        detail: 'line\n\u001b[2J',
      })
      await catalog.close()
      assert.match((await audit('--who', 'x')).stdout, / admin +done +line\\u000a\\u001b\[2J$/m)
    })

    it('is JSON for programs, with the same filters', async () => {
      await publish('team-a')
      const { stdout } = await audit('--format', 'json', '--who', CI, '--since', '1h', '--limit', '1')
      const [entry] = JSON.parse(stdout) as readonly Entry[]
      assert.deepEqual([entry?.who, entry?.action], [CI, 'publish'])
    })

    it('refuses what it cannot ask for', async () => {
      const { code, stderr } = await audit('--since', 'yesterday')
      assert.equal(code, 1)
      assert.match(stderr, /since: expected a time such as 24h/)
      assert.equal((await audit('--action', 'push')).code, 2)
    })
  })
})

describe('the rotation of the audit trail', () => {
  let storage: string

  beforeEach(async () => {
    storage = await mkdtemp(join(tmpdir(), 'chartroom-rotation-'))
  })

  afterEach(async () => {
    await rm(storage, { recursive: true })
  })

  it('removes old reads and older changes when the server starts', async () => {
    const now = Date.now()
    const daysAgo = (days: number) => actor(`${days} days ago`, new Date(now - days * 86_400_000))
    const before = await SqliteCatalog.open({ file: join(storage, 'catalog.db') })
    await before.appendAudit(
      { ...daysAgo(500), action: 'publish', outcome: 'done' },
      { ...daysAgo(300), action: 'publish', outcome: 'done' },
      { ...daysAgo(10), action: 'read', outcome: 'done' },
      { ...daysAgo(5), action: 'read', outcome: 'done' },
    )
    await before.close()
    const server = await TestServer.start({ settings: { storage } })
    await server.close()
    const after = await SqliteCatalog.open({ file: join(storage, 'catalog.db') })
    const names = (await after.listAudit({ limit: 10 })).map(({ who }) => who)
    await after.close()
    assert.deepEqual(names, ['configuration', '5 days ago', '300 days ago'])
  })
})
