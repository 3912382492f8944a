import assert from 'node:assert/strict'
import { chart } from '../support/chart-builder.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'

const other = { files: { 'values.yaml': 'other: true\n' } }

describe('overwriting', () => {
  let server: TestServer
  let admin: TestPeer
  let ci: TestPeer

  before(async () => {
    const repositories = [
      { name: 'never', overwrite: 'never' },
      { name: 'forced', overwrite: 'forced' },
      { name: 'always', overwrite: 'always' },
    ]
    server = await TestServer.start({ settings: { repositories } })
    admin = await server.admin()
    ci = await server.publisher()
    for (const { name } of repositories) {
      await server.request(ci, 'POST', `/api/${name}/charts`, { body: await chart() })
    }
  })

  after(async () => {
    await server.close()
  })

  async function status(
    peer: TestPeer,
    repository: string,
    query: string,
  ): Promise<readonly [number, string]> {
    const reply = await server.request(peer, 'POST', `/api/${repository}/charts${query}`, {
      body: await chart(other),
    })
    return [reply.status, reply.reason.replace(/ \(sha256:.*/, '')]
  }

  const exists = 'Conflict: demo 0.1.0 exists with other content'
  const forbidden = 'Forbidden: demo 0.1.0 exists, and you may not overwrite it'

  it('needs the repository to allow it, whatever the identity may', async () => {
    assert.deepEqual(await status(admin, 'never', '?force'), [409, exists])
  })

  it('needs the identity to hold the permission, whatever the repository allows', async () => {
    assert.deepEqual(await status(ci, 'forced', '?force'), [403, forbidden])
    assert.deepEqual(await status(ci, 'always', ''), [409, exists])
  })

  it('waits for ?force where the repository says so', async () => {
    assert.deepEqual(await status(admin, 'forced', ''), [409, exists])
  })

  it('replaces archive, provenance and index entry together', async () => {
    for (const [repository, query] of [
      ['forced', '?force'],
      ['always', ''],
    ] as const) {
      assert.deepEqual(await status(admin, repository, query), [201, 'Created'])
      const archive = await server.request(ci, 'GET', `/${repository}/charts/demo-0.1.0.tgz`)
      const provenance = await server.request(ci, 'GET', `/${repository}/charts/demo-0.1.0.tgz.prov`)
      const index = await server.request(ci, 'GET', `/${repository}/index.yaml`)
      const digest = archive.headers.etag?.replaceAll('"', '') ?? ''
      assert.deepEqual(archive.bytes, await chart(other))
      assert.ok(provenance.bytes.includes(digest))
      assert.ok(index.bytes.includes(digest))
      assert.equal(archive.headers['cache-control'], 'private, no-cache')
    }
  })
})
