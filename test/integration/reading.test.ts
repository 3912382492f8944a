import assert from 'node:assert/strict'
import { gunzipSync } from 'node:zlib'
import { chart } from '../support/chart-builder.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'

describe('reading', () => {
  let server: TestServer
  let reader: TestPeer
  let archive: Buffer

  before(async () => {
    server = await TestServer.start({ settings: { repositories: [{ name: 'team-a/stable' }] } })
    reader = await server.reader()
    archive = await chart({ name: 'demo', version: '0.2.0+build.5' })
    for (const path of ['/api/charts', '/api/team-a/stable/charts']) {
      await server.request(await server.publisher(), 'POST', path, { body: archive })
    }
  })

  after(async () => {
    await server.close()
  })

  async function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Reply> {
    return server.request(reader, method, path, { headers })
  }

  const FILES = [
    '/index.yaml',
    '/charts/demo-0.2.0+build.5.tgz',
    '/charts/demo-0.2.0+build.5.tgz.prov',
    '/team-a/stable/index.yaml',
    '/team-a/stable/charts/demo-0.2.0+build.5.tgz',
    '/team-a/stable/charts/demo-0.2.0%2Bbuild.5.tgz.prov',
  ]
  for (const path of FILES) {
    it(`answers HEAD, and 304 to who has it, for ${path}`, async () => {
      const whole = await get(path)
      assert.equal(whole.status, 200, whole.reason)
      const head = await get(path, {}, 'HEAD')
      assert.deepEqual(
        [head.status, head.bytes.length, head.headers['content-length'], head.headers.etag],
        [200, 0, String(whole.bytes.length), whole.headers.etag],
      )
      const etag = whole.headers.etag ?? ''
      for (const condition of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
        const fresh = await get(path, { 'if-none-match': condition })
        assert.deepEqual([fresh.status, fresh.bytes.length, fresh.headers.etag], [304, 0, etag])
      }
      assert.equal((await get(path, { 'if-none-match': '"other"' })).status, 200)
    })
  }

  it('serves parts of an archive', async () => {
    const path = '/charts/demo-0.2.0+build.5.tgz'
    const part = await get(path, { range: 'bytes=10-19' })
    assert.deepEqual([part.status, part.bytes], [206, archive.subarray(10, 20)])
    assert.equal(part.headers['content-range'], `bytes 10-19/${archive.length}`)
    const beyond = await get(path, { range: `bytes=${archive.length}-` })
    assert.deepEqual([beyond.status, beyond.headers['content-range']], [416, `bytes */${archive.length}`])
  })

  it('lets an archive be kept for ever, and asks everybody to revalidate the rest', async () => {
    const caching = async (path: string) => (await get(path)).headers['cache-control']
    assert.equal(await caching('/charts/demo-0.2.0+build.5.tgz'), 'private, max-age=31536000, immutable')
    assert.equal(await caching('/charts/demo-0.2.0+build.5.tgz.prov'), 'private, no-cache')
    assert.equal(await caching('/index.yaml'), 'private, no-cache')
  })

  it('compresses the index for who asks, under an ETag of its own', async () => {
    const plain = await get('/index.yaml')
    const zipped = await get('/index.yaml', { 'accept-encoding': 'gzip' })
    assert.equal(zipped.headers['content-encoding'], 'gzip')
    assert.deepEqual(gunzipSync(zipped.bytes), plain.bytes)
    assert.notEqual(zipped.headers.etag, plain.headers.etag)
    assert.equal(zipped.headers.vary, 'accept-encoding')
  })

  it('serves an empty index for a repository without charts', async () => {
    const empty = await TestServer.start()
    try {
      const reply = await empty.request(await empty.reader(), 'GET', '/index.yaml')
      assert.deepEqual((jsonOf(reply) as { entries: unknown }).entries, {})
    } finally {
      await empty.close()
    }
  })

  it('has the ChartMuseum API for lists and single versions', async () => {
    const list = jsonOf(await get('/api/team-a/stable/charts')) as Record<string, unknown[]>
    const versions = jsonOf(await get('/api/team-a/stable/charts/demo')) as unknown[]
    const version = jsonOf(await get('/api/team-a/stable/charts/demo/0.2.0+build.5')) as { version: string }
    assert.deepEqual(list, { demo: versions })
    assert.deepEqual(versions, [version])
    assert.equal(version.version, '0.2.0+build.5')
  })

  it('hands out the public keyring in both forms', async () => {
    const binary = await get('/team-a/stable/keys/provenance.gpg')
    const armored = await get('/keys/provenance.asc')
    assert.equal((binary.bytes[0] ?? 0) & 0x80, 0x80)
    assert.match(armored.bytes.toString(), /^-----BEGIN PGP PUBLIC KEY BLOCK-----/)
  })

  it('tells who the caller is, what it may do and until when', async () => {
    const whoami = jsonOf(await get('/api/whoami')) as {
      identity: Record<string, unknown>
      grants: readonly { repository: string; may: string[] }[]
    }
    assert.deepEqual(
      [whoami.identity['anchor'], whoami.identity['kind'], whoami.identity['value']],
      ['built-in', 'cn', 'reader'],
    )
    assert.ok(Date.parse(String(whoami.identity['expiresAt'])) > Date.now())
    assert.deepEqual(whoami.grants, [
      { repository: '', may: ['read'] },
      { repository: 'team-a/stable', may: ['read'] },
    ])
  })

  it('keeps a harmless request id and makes one otherwise', async () => {
    assert.equal((await get('/health', { 'x-request-id': 'ci-42' })).headers['x-request-id'], 'ci-42')
    assert.match(
      String((await get('/health', { 'x-request-id': 'a b' })).headers['x-request-id']),
      /^[0-9a-f-]{36}$/,
    )
  })

  const errors: readonly (readonly [method: string, path: string, status: number, reason: RegExp])[] = [
    ['GET', '/charts/none-1.0.0.tgz', 404, /there is no chart "none-1.0.0.tgz" here/],
    ['GET', '/charts/none-1.0.0.tgz.prov', 404, /there is no chart/],
    ['GET', '/charts/..%2f..%2fcatalog.db.tgz', 404, /there is no chart/],
    ['GET', '/charts/demo-0.2.0+build.5.txt', 404, /there is nothing at GET/],
    ['GET', '/api/charts/demo/9.9.9', 404, /there is no demo "9.9.9" here/],
    ['GET', '/api/charts/none', 404, /there is no chart none here/],
    ['GET', '/unknown/index.yaml', 404, /there is no repository unknown/],
    ['GET', '/Team/index.yaml', 400, /not a repository name: "Team"/],
    ['GET', '/a/charts/index.yaml', 400, /"charts" may not be part of a repository name/],
    ['GET', '/a%2Fb/index.yaml', 400, /not a repository name: "a\/b"/],
    ['GET', '/%zz/index.yaml', 400, /not well percent-encoded/],
    ['GET', '/%C3%A4/%0d%0ax', 404, /there is nothing at GET "\/%C3%A4\/%0d%0ax"/],
    ['PUT', '/index.yaml', 405, /"PUT" is not used here/],
    ['DELETE', '/index.yaml', 404, /there is nothing at DELETE/],
  ]
  for (const [method, path, status, reason] of errors) {
    it(`answers ${status} to ${method} ${path}, with the cause in the reason phrase`, async () => {
      const reply = await get(path, {}, method)
      assert.equal(reply.status, status, reply.reason)
      assert.match(reply.reason, reason)
      assert.match((jsonOf(reply) as { error: string }).error, /./)
    })
  }
})
