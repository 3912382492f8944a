import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { request as httpsRequest } from 'node:https'
import { join } from 'node:path'
import { mkdir, writeFile } from 'node:fs/promises'
import { dump } from 'js-yaml'
import { chart } from '../support/chart-builder.ts'
import { runChartroom } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { DEFAULT_ACCESS } from '../support/installation.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply, type RequestOptions } from '../support/test-server.ts'
import { UpstreamServer, type UpstreamAnswer } from '../support/upstream-server.ts'

/** Of which every chart has the versions 1.0.0 and 2.0.0. */
const CHARTS = ['demo', 'values', 'templates', 'head', 'prov', 'left', 'gone', 'hidden', 'down', 'promoted']
const VERSIONS = ['1.0.0', '2.0.0']

const ACCESS = [
  { who: { anchor: 'built-in', cn: 'narrow' }, may: ['read'], repositories: 'all', charts: ['demo'] },
  ...DEFAULT_ACCESS.slice(0, 2),
  { who: { anchor: 'built-in', cn: 'reader' }, may: ['read'], repositories: 'all' },
]

describe('pulling through a mirror', () => {
  let upstream: UpstreamServer
  let server: TestServer
  let admin: TestPeer
  let reader: TestPeer
  const archives = new Map<string, Buffer>()

  before(async () => {
    upstream = await UpstreamServer.start()
    const answers: Record<string, UpstreamAnswer> = {}
    const entries: Record<string, object[]> = {}
    for (const name of CHARTS) {
      for (const version of VERSIONS) {
        const archive = await chart({ name, version })
        const filename = `${name}-${version}.tgz`
        archives.set(filename, archive)
        answers[`/files/${filename}`] = (response) => response.end(archive)
        const digest = createHash('sha256').update(archive).digest('hex')
        const entry = { apiVersion: 'v2', name, version, digest, urls: [`files/${filename}`] }
        entries[name] = [entry, ...(entries[name] ?? [])]
      }
    }
    const index = dump({ apiVersion: 'v1', entries })
    upstream.answers = { ...answers, '/index.yaml': (response) => response.end(index) }
    const mirror = {
      upstreams: [
        {
          name: 'up',
          url: upstream.url('').href.replace(/\/$/, ''),
          insecure: true,
          privateAddresses: ['127.0.0.0/8'],
        },
      ],
    }
    server = await TestServer.start({
      settings: {
        access: ACCESS,
        repositories: [
          { name: 'mirror', mirror },
          { name: 'quarantine', mirror: { ...mirror, approve: true } },
          { name: 'local' },
        ],
      },
    })
    admin = await server.admin()
    reader = await server.reader()
  })

  after(async () => {
    await server.close()
    await upstream.close()
  })

  const get = async (path: string, peer = reader, options: RequestOptions = {}): Promise<Reply> =>
    server.request(peer, 'GET', path, options)

  const requestsFor = (filename: string): number =>
    upstream.requests.filter(({ url }) => url === `/files/${filename}`).length

  it('lists what the upstream has under URLs of its own, and fetches a file when somebody asks for it', async () => {
    const index = await get('/mirror/index.yaml')
    equal(index.status, 200)
    match(index.bytes.toString(), /"charts\/demo-1\.0\.0\.tgz"/)
    const first = await get('/mirror/charts/demo-1.0.0.tgz')
    deepEqual([first.status, first.headers['cache-status']], [200, 'chartroom; fwd=uri-miss; stored'])
    deepEqual(first.bytes, archives.get('demo-1.0.0.tgz'))
    const second = await get('/mirror/charts/demo-1.0.0.tgz')
    deepEqual([second.status, second.headers['cache-status']], [200, 'chartroom; hit'])
    equal(requestsFor('demo-1.0.0.tgz'), 1)
  })

  it('fetches for HEAD as for GET, and for a provenance file its archive', async () => {
    const head = await server.request(reader, 'HEAD', '/mirror/charts/head-1.0.0.tgz')
    deepEqual([head.status, head.bytes.length], [200, 0])
    equal(Number(head.headers['content-length']), archives.get('head-1.0.0.tgz')?.length)
    const provenance = await get('/mirror/charts/prov-1.0.0.tgz.prov')
    deepEqual(
      [provenance.status, provenance.headers['cache-status']],
      [200, 'chartroom; fwd=uri-miss; stored'],
    )
    match(provenance.bytes.toString(), /BEGIN PGP SIGNED MESSAGE/)
    equal(requestsFor('prov-1.0.0.tgz'), 1)
  })

  it('shows in the API what the index shows, and fetches where the files are needed', async () => {
    await get('/mirror/charts/values-1.0.0.tgz')
    const listed = jsonOf(await get('/api/mirror/charts/values')) as { version: string }[]
    deepEqual(
      listed.map(({ version }) => version),
      ['2.0.0', '1.0.0'],
    )
    const all = jsonOf(await get('/api/mirror/charts')) as Record<string, { version: string }[]>
    deepEqual(all['values'], listed)
    const latest = jsonOf(await get('/api/mirror/charts/values/latest')) as { version: string }
    equal(latest.version, '2.0.0')
    equal(requestsFor('values-2.0.0.tgz'), 0)
    equal((await get('/api/mirror/charts/values/latest/values')).bytes.toString(), 'greeting: hello\n')
    equal(requestsFor('values-2.0.0.tgz'), 1)
    equal((await get('/api/mirror/charts/templates/1.0.0/templates')).status, 200)
    equal((await get('/api/mirror/charts/templates/9.9.9/templates')).status, 404)
  })

  it('says everywhere that a version is held back, and until when', async () => {
    for (const path of [
      '/quarantine/charts/demo-1.0.0.tgz',
      '/api/quarantine/charts/demo/1.0.0',
      '/api/quarantine/charts/demo/1.0.0/values',
    ]) {
      const reply = await get(path)
      equal(reply.status, 404)
      match(reply.reason, /demo 1\.0\.0: it is held back until an administrator releases it/)
    }
    equal((await get('/api/quarantine/charts/demo')).status, 404)
    ok(!(await get('/quarantine/index.yaml')).bytes.includes('demo'))
  })

  it('goes on with a fetch whose client has left', async () => {
    const path = '/files/left-1.0.0.tgz'
    let finish: (() => void) | undefined
    upstream.answers = {
      ...upstream.answers,
      [path]: (response) => {
        const archive = archives.get('left-1.0.0.tgz') ?? Buffer.alloc(0)
        response.write(archive.subarray(0, 20))
        finish = () => response.end(archive.subarray(20))
      },
    }
    const { cert, key } = reader
    const request = httpsRequest(`${server.url}/mirror/charts/left-1.0.0.tgz`, {
      ca: server.ca.certificatePem,
      cert,
      key,
    })
    request.on('error', () => undefined)
    request.end()
    await eventually(() => {
      ok(finish)
    })
    request.destroy()
    finish?.()
    await eventually(async () => {
      const listed = await server.request(reader, 'GET', '/api/mirror/charts/left')
      const audit = await get('/api/audit?action=publish&limit=1', admin)
      equal(listed.status, 200)
      match(audit.bytes.toString(), /"chart":"left","version":"1\.0\.0"/)
    })
    equal((await get('/mirror/charts/left-1.0.0.tgz')).headers['cache-status'], 'chartroom; hit')
    equal(requestsFor('left-1.0.0.tgz'), 1)
  })

  it('fetches nothing for who may not read it', async () => {
    const narrow = await server.ca.client({ cn: 'narrow' })
    for (const version of ['1.0.0', '1.0.0-absent'])
      for (const suffix of ['.tgz', '.tgz.prov']) {
        const { status, reason } = await get(`/mirror/charts/hidden-${version}${suffix}`, narrow)
        deepEqual([status, reason], [403, 'Forbidden: "narrow" may not read "hidden" in mirror'])
      }
    equal(requestsFor('hidden-1.0.0.tgz'), 0)
    equal((await get('/mirror/charts/demo-2.0.0.tgz', narrow)).status, 200)
  })

  it('takes no uploads, and says so before it reads them', async () => {
    const body = await chart({ name: 'mine' })
    const reason = /mirror is a mirror and takes no uploads/
    const refused = async (path: string, content: Buffer | string): Promise<void> => {
      const headers = { expect: '100-continue', 'content-type': 'application/octet-stream' }
      const reply = await server.request(admin, 'POST', path, { body: content, headers })
      equal(reply.status, 403)
      match(reply.reason, reason)
    }
    await refused('/api/mirror/charts', body)
    await refused('/api/mirror/prov', 'whatever')
    equal((await server.request(admin, 'POST', '/api/local/charts', { body })).status, 201)
    await refused('/api/mirror/promote', JSON.stringify({ from: 'local', name: 'mine', version: '0.1.0' }))

    const folder = join(server.folder, 'incoming')
    await mkdir(folder)
    await writeFile(join(folder, 'mine-0.1.0.tgz'), body)
    const config = ['--config', join(server.folder, 'chartroom.yaml')]
    const imported = await runChartroom(['import', folder, '--repository', 'mirror', ...config])
    equal(imported.code, 1)
    match(imported.stdout, reason)
    equal((await get('/api/mirror/charts/mine')).status, 404)
  })

  it('fetches what is promoted to another repository', async () => {
    const body = JSON.stringify({ from: 'mirror', name: 'promoted', version: '1.0.0' })
    const { status, reason } = await server.request(admin, 'POST', '/api/local/promote', { body })
    equal(status, 201, reason)
    deepEqual((await get('/local/charts/promoted-1.0.0.tgz')).bytes, archives.get('promoted-1.0.0.tgz'))
  })

  it('lets what it has be deleted, and does not fetch it again', async () => {
    await get('/mirror/charts/gone-1.0.0.tgz')
    const deleted = await server.request(admin, 'DELETE', '/api/mirror/charts/gone/1.0.0')
    equal(deleted.status, 200)
    const reply = await get('/mirror/charts/gone-1.0.0.tgz')
    equal(reply.status, 404)
    match(reply.reason, /it was deleted here/)
    ok(!(await get('/mirror/index.yaml')).bytes.includes('gone-1.0.0.tgz'))
    equal(requestsFor('gone-1.0.0.tgz'), 1)
  })

  it('serves what it has while the upstream is down, and says why it has no more', async () => {
    equal((await get('/mirror/charts/down-1.0.0.tgz')).status, 200)
    const { answers } = upstream
    const down: UpstreamAnswer = (response) => response.destroy()
    upstream.answers = Object.fromEntries(Object.keys(answers).map((path) => [path, down]))
    try {
      equal((await get('/mirror/charts/down-1.0.0.tgz')).status, 200)
      equal((await get('/mirror/index.yaml')).status, 200)
      const missing = await get('/mirror/charts/down-2.0.0.tgz')
      equal(missing.status, 503)
      match(missing.reason, /Service Unavailable: down 2\.0\.0 of upstream up: .*localhost/)
    } finally {
      upstream.answers = answers
    }
    equal((await get('/mirror/charts/down-2.0.0.tgz')).status, 200)
  })

  it('costs a repository that is none nothing', async () => {
    const body = await chart({ name: 'ours' })
    await server.request(admin, 'POST', '/api/local/charts', { body })
    const reply = await get('/local/charts/ours-0.1.0.tgz')
    deepEqual([reply.status, reply.headers['cache-status']], [200, undefined])
    equal((await get('/local/charts/demo-1.0.0.tgz')).status, 404)
  })

  it('is seen in the metrics', async () => {
    const metrics = await (await fetch(`${server.opsUrl}/metrics`)).text()
    const stored =
      /chartroom_mirror_fetches_total\{repository="mirror",upstream="up",outcome="stored"\} (\d+)/
    ok(Number(stored.exec(metrics)?.[1]) > 5)
    match(metrics, /chartroom_mirror_fetched_bytes_total\{/)
    match(metrics, /chartroom_mirror_fetch_duration_seconds_count\{/)
  })
})
