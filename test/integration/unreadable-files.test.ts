import assert from 'node:assert/strict'
import { chart } from '../support/chart-builder.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'

const ACCESS = [
  { who: { anchor: 'built-in', cn: 'admin' }, may: ['read', 'publish'], repositories: 'all' },
  { who: { anchor: 'built-in', cn: 'narrow' }, may: ['read'], repositories: 'all', charts: ['good', 'twin'] },
]

describe('files of charts that one may not read', () => {
  let server: TestServer
  let admin: TestPeer
  let narrow: TestPeer

  before(async () => {
    server = await TestServer.start({ settings: { access: ACCESS, repositories: [{ name: 'local' }] } })
    admin = await server.ca.client({ cn: 'admin' })
    narrow = await server.ca.client({ cn: 'narrow' })
    for (const [name, version] of [
      ['good', '1.0.0'],
      ['secret', '1.0.0'],
      ['twin-1.0.0', '2.0.0'],
    ] as const) {
      const body = await chart({ name, version })
      const { status } = await server.request(admin, 'POST', '/api/local/charts', { body })
      assert.equal(status, 201)
    }
  })

  after(async () => {
    await server.close()
  })

  async function answer(stem: string, suffix: string): Promise<string> {
    const reply = await server.request(narrow, 'GET', `/local/charts/${stem}${suffix}`)
    return `${reply.status} ${reply.reason} ${reply.bytes.toString()}`.replaceAll(stem, '<stem>')
  }

  for (const suffix of ['.tgz', '.tgz.prov']) {
    it(`are answered alike whether they exist or not: ${suffix}`, async () => {
      const existing = await answer('secret-1.0.0', suffix)
      assert.match(existing, /^403 Forbidden: "narrow" may not read "secret" in local /)
      assert.equal(existing, await answer('secret-2.0.0', suffix))
    })

    it(`are not told from absent ones by a name that a readable chart's file could have: ${suffix}`, async () => {
      const existing = await answer('twin-1.0.0-2.0.0', suffix)
      assert.match(existing, /^404 Not Found: there is no chart /)
      assert.equal(existing, await answer('twin-1.0.0-3.0.0', suffix))
      const whole = await server.request(admin, 'GET', `/local/charts/twin-1.0.0-2.0.0${suffix}`)
      assert.equal(whole.status, 200)
    })
  }

  it('leave those that one may read as they are', async () => {
    assert.match(await answer('good-1.0.0', '.tgz'), /^200 /)
    assert.match(await answer('good-2.0.0', '.tgz'), /^404 /)
  })
})
