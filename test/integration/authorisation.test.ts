import assert from 'node:assert/strict'
import { join } from 'node:path'
import { writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { routes, type RouteDeps } from '../../src/http/routes.ts'
import { type Route } from '../../src/http/route.ts'
import { chart } from '../support/chart-builder.ts'
import { ChartUpstream } from '../support/chart-upstream.ts'
import { eventually } from '../support/eventually.ts'
import { selfSignedClient, TestCa, type TestPeer } from '../support/test-ca.ts'
import { type MirrorStatus } from '../../src/mirror/status.ts'
import { jsonOf, TestServer, type Reply, type RequestOptions } from '../support/test-server.ts'

/** Every route, as somebody asks for it in the repository `team-a`. No handler is called, so none needs anything. */
const ROUTES = routes({} as RouteDeps)

const ACCESS = [
  {
    who: { anchor: 'built-in', ou: 'administrators' },
    may: ['read', 'publish', 'overwrite', 'delete', 'create', 'admin'],
    repositories: 'all',
  },
  { who: { anchor: 'built-in', cn: 'reader' }, may: ['read'], repositories: ['team-a'] },
  { who: { anchor: 'built-in', cn: 'publisher' }, may: ['publish'], repositories: ['team-a'] },
  // What is promoted has to be read, in the repository that it is in.
  { who: { anchor: 'built-in', cn: 'publisher' }, may: ['read'], repositories: ['team-b'] },
  {
    who: { anchor: 'built-in', cn: 'other-repository' },
    may: ['read', 'publish', 'delete'],
    repositories: ['team-b'],
  },
  {
    who: { anchor: 'built-in', cn: 'other-chart' },
    may: ['read', 'publish', 'delete'],
    repositories: ['team-a'],
    charts: ['other'],
  },
]

interface Caller {
  readonly peer: TestPeer | undefined
  /** What the caller may do, as far as the path tells; `refused` at the door. */
  readonly may: readonly string[] | 'refused'
  /** What a refusal at the door says. */
  readonly reason?: RegExp
  /** Holds the actions, but not for the chart `demo`. */
  readonly onlyOtherCharts?: true
}

describe('authorisation of every route', () => {
  let server: TestServer
  let upstream: ChartUpstream
  let folder: string
  let archive: Buffer
  let provenance: Buffer
  let admin: TestPeer
  let callers: Readonly<Record<string, Caller>>

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-matrix-'))
    const ca = await TestCa.create({ name: 'Chartroom CA' })
    const company = await TestCa.create({ name: 'Company CA' })
    const namesake = await TestCa.create({ name: 'Chartroom CA' })
    await writeFile(join(folder, 'built-in.pem'), ca.certificatePem)
    await writeFile(join(folder, 'company.pem'), company.certificatePem)
    upstream = await ChartUpstream.start()
    server = await TestServer.start({
      ca,
      settings: {
        access: ACCESS,
        repositories: [
          { name: 'team-a', artifactHubId: '6d7e1f0a-0000-4000-8000-000000000000' },
          { name: 'team-b' },
          { name: 'mirror', mirror: { mode: 'sync', approve: true, upstreams: [upstream.settings()] } },
        ],
        tls: {
          clientCAs: [
            { name: 'built-in', file: join(folder, 'built-in.pem') },
            { name: 'company', file: join(folder, 'company.pem') },
          ],
        },
      },
    })
    const subject = { cn: 'admin', ou: 'administrators' }
    admin = await ca.client(subject)
    archive = await chart()
    callers = {
      'no certificate': { peer: undefined, may: 'refused', reason: /none was sent/ },
      'a foreign CA': {
        peer: await (await TestCa.create({ name: 'Elsewhere' })).client(subject),
        may: 'refused',
      },
      'a forged issuer name': {
        peer: await namesake.client(subject),
        may: 'refused',
        reason: /not from a CA that this server trusts/,
      },
      'a self-signed certificate': { peer: await selfSignedClient(subject), may: 'refused' },
      'an expired certificate': {
        peer: await ca.expiredClient(subject),
        may: 'refused',
        reason: /your client certificate has expired/,
      },
      'a certificate of tomorrow': {
        peer: await ca.futureClient(subject),
        may: 'refused',
        reason: /not valid yet/,
      },
      'a server certificate': {
        peer: await ca.client({ ...subject, eku: 'server' }),
        may: 'refused',
        reason: /not for client authentication/,
      },
      'a certificate that names nobody': {
        peer: await ca.leaf({ ou: 'administrators', eku: 'client' }),
        may: 'refused',
        reason: /does not name exactly one identity/,
      },
      'the same subject under a second configured CA': { peer: await company.client(subject), may: [] },
      'an identity without grants': { peer: await ca.client({ cn: 'nobody' }), may: [] },
      'a reader': { peer: await ca.client({ cn: 'reader' }), may: ['read'] },
      'a publisher': { peer: await ca.client({ cn: 'publisher' }), may: ['publish'] },
      'a publisher of another repository': { peer: await ca.client({ cn: 'other-repository' }), may: [] },
      'a publisher of another chart': {
        peer: await ca.client({ cn: 'other-chart' }),
        may: ['read', 'publish', 'delete'],
        onlyOtherCharts: true,
      },
      'an administrator': { peer: admin, may: ['read', 'publish', 'delete', 'admin'] },
    }
    await writeFile(join(server.config.certs, 'crl.pem'), 'a list')
    assert.equal((await publish()).status, 201)
    await server.request(admin, 'POST', '/api/team-b/charts', { body: archive })
    const prov = await server.request(admin, 'GET', '/team-a/charts/demo-0.1.0.tgz.prov')
    provenance = prov.bytes
    await holdBack('demo', 'other')
  })

  after(async () => {
    await server.close()
    await upstream.close()
    await rm(folder, { recursive: true })
  })

  async function publish(): Promise<Reply> {
    return server.request(admin, 'POST', '/api/team-a/charts', { body: archive })
  }

  /** In the mirror, for an administrator to decide on. */
  async function holdBack(...names: readonly string[]): Promise<void> {
    for (const name of names) await upstream.add({ name })
    await server.request(admin, 'POST', '/api/mirror/upstreams/sync')
    await eventually(async () => {
      const reply = await server.request(admin, 'GET', '/api/mirror/upstreams')
      const { upstreams, syncing } = jsonOf(reply) as MirrorStatus & { readonly syncing?: unknown }
      assert.deepEqual([upstreams[0]?.held, syncing], [names.length, undefined])
    })
  }

  function sample(route: Route): { readonly path: string; readonly options: RequestOptions } {
    const path = route.path
      .replace('{*repository/}', route.path.includes('/}upstreams') ? 'mirror/' : 'team-a/')
      .replace(':stem', 'demo-0.1.0')
      .replace(':name', 'demo')
      .replace(':version', '0.1.0')
    const bodies: Readonly<Record<string, Buffer>> = {
      '/api/team-a/charts': archive,
      '/api/team-a/prov': provenance,
      '/api/team-a/promote': Buffer.from(JSON.stringify({ from: 'team-b', name: 'demo', version: '0.1.0' })),
      '/api/mirror/upstreams/sync': Buffer.alloc(0),
      '/api/mirror/upstreams/release': Buffer.from(JSON.stringify({ chart: 'demo', versions: ['0.1.0'] })),
      '/api/mirror/upstreams/reject': Buffer.from(JSON.stringify({ chart: 'other' })),
    }
    const body = route.method === 'post' ? bodies[path] : undefined
    assert.ok(route.method !== 'post' || body !== undefined, `the test has no body for ${path}`)
    return { path, options: body === undefined ? {} : { body } }
  }

  /** Routes that name no chart: what a chart-scoped identity sees of them is narrowed, not refused. */
  function namesNoChart(path: string): boolean {
    return !path.includes('demo') && !/\/(?:charts|prov|promote)$/.test(path)
  }

  function isAllowed(route: Route, path: string, caller: Caller): boolean {
    if (caller.may === 'refused') return false
    if (route.needs === 'verified') return true
    if (!caller.may.includes(route.needs)) return false
    const listsCharts = route.method === 'get' && path.endsWith('/charts')
    return caller.onlyOtherCharts === undefined || namesNoChart(path) || listsCharts
  }

  const CALLERS = [
    'no certificate',
    'a foreign CA',
    'a forged issuer name',
    'a self-signed certificate',
    'an expired certificate',
    'a certificate of tomorrow',
    'a server certificate',
    'a certificate that names nobody',
    'the same subject under a second configured CA',
    'an identity without grants',
    'a reader',
    'a publisher',
    'a publisher of another repository',
    'a publisher of another chart',
    'an administrator',
  ]

  for (const route of ROUTES) {
    const methods = route.method === 'get' ? ['GET', 'HEAD'] : [route.method.toUpperCase()]
    for (const method of methods) {
      it(`${method} ${route.path} needs ${route.needs}`, async () => {
        const { path, options } = sample(route)
        for (const name of CALLERS) {
          const caller = callers[name]
          assert.ok(caller, name)
          const { status, reason } = await server.request(caller.peer, method, path, options)
          if (isAllowed(route, path, caller)) {
            assert.ok([200, 201, 202].includes(status), `${name}: ${status} ${reason}`)
          } else {
            assert.equal(status, 403, `${name}: ${status} ${reason}`)
            if (caller.reason !== undefined) assert.match(reason, caller.reason)
          }
        }
        assert.equal((await publish()).status, 201)
      })
    }
  }

  it('tries every caller', () => {
    assert.deepEqual(Object.keys(callers), CALLERS)
  })

  it('tells a caller nothing of what its unverified certificate says', async () => {
    const peer = await selfSignedClient({ cn: 'Attention: admin <script>' })
    const { reason, bytes } = await server.request(peer, 'GET', '/index.yaml')
    assert.doesNotMatch(reason + bytes.toString(), /script/)
  })

  it('does not tell an unauthorised caller whether a repository exists', async () => {
    const peer = callers['an identity without grants']?.peer
    for (const repository of ['team-a', 'team-x']) {
      const { status, reason } = await server.request(peer, 'GET', `/${repository}/index.yaml`)
      assert.deepEqual([status, reason], [403, `Forbidden: "nobody" may not read ${repository}`])
    }
  })

  it('shows a chart-scoped reader an index of its charts only', async () => {
    await server.request(admin, 'POST', '/api/team-a/charts', { body: await chart({ name: 'other' }) })
    const peer = callers['a publisher of another chart']?.peer
    const reply = await server.request(peer, 'GET', '/team-a/index.yaml')
    const whole = await server.request(admin, 'GET', '/team-a/index.yaml')
    const names = (bytes: Buffer) =>
      Object.keys((JSON.parse(bytes.toString()) as { entries: object }).entries)
    assert.deepEqual(names(reply.bytes), ['other'])
    assert.deepEqual(names(whole.bytes), ['demo', 'other'])
    assert.notEqual(reply.headers.etag, whole.headers.etag)
  })
})
