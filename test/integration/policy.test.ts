import assert from 'node:assert/strict'
import { chart } from '../support/chart-builder.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'

const ACCESS = [
  { who: { cn: 'admin' }, may: ['read', 'publish', 'delete', 'create'], repositories: 'all' },
  { who: { group: 'web' }, may: ['read', 'publish', 'delete'], repositories: ['shop'] },
  { who: { ou: 'visitors' }, may: ['read'], repositories: 'all' },
  { who: { ou: 'visitors' }, deny: ['read'], repositories: ['vault'] },
  {
    who: { group: 'web' },
    deny: ['read', 'publish', 'delete'],
    repositories: ['shop'],
    charts: [{ glob: 'core-*' }],
  },
]

const GROUPS = { web: [{ cn: 'alice' }, { ou: { glob: 'web-*' } }] }

describe('groups and denials', () => {
  let server: TestServer
  let admin: TestPeer
  let alice: TestPeer
  let bob: TestPeer
  let visitor: TestPeer

  before(async () => {
    server = await TestServer.start({
      settings: { access: ACCESS, groups: GROUPS, repositories: [{ name: 'shop' }, { name: 'vault' }] },
    })
    admin = await server.ca.client({ cn: 'admin' })
    alice = await server.ca.client({ cn: 'alice' })
    bob = await server.ca.client({ cn: 'bob', ou: 'web-shop' })
    visitor = await server.ca.client({ cn: 'carol', ou: 'visitors' })
    for (const name of ['core-dns', 'shop']) {
      const reply = await server.request(admin, 'POST', '/api/shop/charts', { body: await chart({ name }) })
      assert.equal(reply.status, 201)
    }
  })

  after(async () => {
    await server.close()
  })

  async function refused(peer: TestPeer, method: string, path: string, body?: Buffer): Promise<string> {
    const { status, reason } = await server.request(peer, method, path, body && { body })
    assert.equal(status, 403)
    return reason
  }

  function chartsIn(reply: Reply): readonly string[] {
    return Object.keys((jsonOf(reply) as { readonly entries: object }).entries)
  }

  it('let everybody of a group in, by whichever of its members', async () => {
    for (const peer of [alice, bob]) {
      const reply = await server.request(peer, 'GET', '/shop/charts/shop-0.1.0.tgz')
      assert.equal(reply.status, 200)
    }
    assert.equal(await refused(alice, 'GET', '/vault/index.yaml'), 'Forbidden: "alice" may not read vault')
  })

  it('refuse what is denied although it is granted, and say that a rule is why', async () => {
    assert.equal((await server.request(visitor, 'GET', '/shop/index.yaml')).status, 200)
    assert.equal(
      await refused(visitor, 'GET', '/vault/index.yaml'),
      'Forbidden: "carol" may not read vault: a rule denies it',
    )
  })

  it('keep denied charts from every route, and leave the others', async () => {
    const body = await chart({ name: 'core-dns', version: '2.0.0' })
    for (const [method, path] of [
      ['GET', '/shop/charts/core-dns-0.1.0.tgz'],
      ['GET', '/shop/charts/core-dns-0.1.0.tgz.prov'],
      ['GET', '/api/shop/charts/core-dns'],
      ['GET', '/api/shop/charts/core-dns/0.1.0'],
      ['DELETE', '/api/shop/charts/core-dns/0.1.0'],
      ['POST', '/api/shop/charts'],
    ] as const) {
      const reason = await refused(bob, method, path, method === 'POST' ? body : undefined)
      assert.match(reason, /^Forbidden: "bob" may not .* "core-dns" in shop: a rule denies it$/)
    }
    const again = await server.request(bob, 'POST', '/api/shop/charts', {
      body: await chart({ name: 'shop' }),
    })
    assert.equal(again.status, 201)
  })

  it('leave denied charts out of the index, which has another ETag then', async () => {
    const whole = await server.request(visitor, 'GET', '/shop/index.yaml')
    const narrowed = await server.request(bob, 'GET', '/shop/index.yaml')
    const alike = await server.request(alice, 'GET', '/shop/index.yaml')
    assert.deepEqual(chartsIn(whole), ['core-dns', 'shop'])
    assert.deepEqual(chartsIn(narrowed), ['shop'])
    assert.notEqual(narrowed.headers.etag, whole.headers.etag)
    assert.equal(narrowed.headers.etag, alike.headers.etag)
  })

  it('are in what whoami tells', async () => {
    const { grants } = jsonOf(await server.request(visitor, 'GET', '/api/whoami')) as {
      readonly grants: readonly { readonly repository: string }[]
    }
    assert.deepEqual(
      grants.map(({ repository }) => repository),
      ['', 'shop'],
    )
  })
})
