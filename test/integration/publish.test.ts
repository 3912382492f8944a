import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { chart } from '../support/chart-builder.ts'
import { form } from '../support/form.ts'
import { assertStored, filesBelow } from '../support/leftovers.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'

interface Index {
  readonly entries: Readonly<Record<string, readonly { version: string; digest: string; urls: string[] }[]>>
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}

describe('publishing', () => {
  let server: TestServer
  let admin: TestPeer
  let ci: TestPeer

  beforeEach(async () => {
    server = await TestServer.start()
    admin = await server.admin()
    ci = await server.publisher()
  })

  afterEach(async () => {
    await server.close()
  })

  async function post(body: Buffer, path = '/api/charts', peer = ci): Promise<Reply> {
    return server.request(peer, 'POST', path, { body })
  }

  async function index(path = '/index.yaml'): Promise<Index> {
    return jsonOf(await server.request(ci, 'GET', path)) as Index
  }

  it('makes chart, provenance and index entry visible with the 201', async () => {
    const archive = await chart({ name: 'demo', version: '0.1.0' })
    const reply = await post(archive)
    assert.equal(reply.status, 201, reply.reason)
    assert.deepEqual(jsonOf(reply), { saved: true, outcome: 'created', digest: sha256(archive) })

    const [entry] = (await index()).entries['demo'] ?? []
    assert.deepEqual(
      [entry?.version, entry?.digest, entry?.urls],
      ['0.1.0', sha256(archive), ['charts/demo-0.1.0.tgz']],
    )
    const download = await server.request(ci, 'GET', '/charts/demo-0.1.0.tgz')
    assert.deepEqual(download.bytes, archive)
    assert.equal(download.headers.etag, `"${sha256(archive)}"`)
    const provenance = await server.request(ci, 'GET', '/charts/demo-0.1.0.tgz.prov')
    assert.match(provenance.bytes.toString(), new RegExp(`demo-0.1.0.tgz: sha256:${sha256(archive)}`))
    await assertStored(server.config.storage, { blobs: 2 })
  })

  it('takes a form with the archive, as helm cm-push sends it', async () => {
    const archive = await chart()
    const filename = `/tmp/${'long/'.repeat(50)}demo-0.1.0.tgz`
    const { body, headers } = form([{ name: 'chart', filename, content: archive }])
    const chunked = { ...headers, 'transfer-encoding': 'chunked' }
    const reply = await server.request(ci, 'POST', '/api/charts', { body, headers: chunked })
    assert.equal(reply.status, 201, reply.reason)
    assert.deepEqual(Object.keys((await index()).entries), ['demo'])
  })

  it('succeeds and changes nothing when the same bytes come again', async () => {
    const archive = await chart()
    await post(archive)
    const before = await server.request(ci, 'GET', '/index.yaml')
    const reply = await post(archive)
    assert.deepEqual(
      [reply.status, jsonOf(reply)],
      [201, { saved: true, outcome: 'unchanged', digest: sha256(archive) }],
    )
    const after = await server.request(ci, 'GET', '/index.yaml')
    assert.equal(after.headers.etag, before.headers.etag)
    await assertStored(server.config.storage, { blobs: 2 })
  })

  it('takes a repackaged archive with the same members as the same content, and names the stored digest', async () => {
    const archive = await chart({ mtime: new Date('2026-01-01T00:00:00Z') })
    const again = await chart({ mtime: new Date('2026-06-01T00:00:00Z') })
    assert.notDeepEqual(archive, again)
    await post(archive)
    assert.deepEqual(jsonOf(await post(again)), {
      saved: true,
      outcome: 'unchanged',
      digest: sha256(archive),
    })
    assert.deepEqual((await server.request(ci, 'GET', '/charts/demo-0.1.0.tgz')).bytes, archive)
    await assertStored(server.config.storage, { blobs: 2 })
  })

  it('refuses other content under the same version, and keeps the first', async () => {
    const archive = await chart()
    await post(archive)
    const reply = await post(await chart({ files: { 'values.yaml': 'other: true\n' } }))
    assert.equal(reply.status, 409)
    assert.match(reply.reason, /^Conflict: demo 0\.1\.0 exists with other content \(sha256:[0-9a-f]{64}\)$/)
    assert.deepEqual((await server.request(ci, 'GET', '/charts/demo-0.1.0.tgz')).bytes, archive)
    await assertStored(server.config.storage, { blobs: 2 })
  })

  it('refuses other content also after a delete, and takes the same content back', async () => {
    const archive = await chart()
    await post(archive)
    const deleted = await server.request(admin, 'DELETE', '/api/charts/demo/0.1.0')
    assert.deepEqual([deleted.status, jsonOf(deleted)], [200, { deleted: true }])
    assert.deepEqual((await index()).entries, {})
    for (const path of ['/charts/demo-0.1.0.tgz', '/charts/demo-0.1.0.tgz.prov', '/api/charts/demo/0.1.0']) {
      assert.equal((await server.request(ci, 'GET', path)).status, 404)
    }
    const refused = await post(await chart({ files: { 'values.yaml': 'other: true\n' } }))
    assert.match(refused.reason, /^Conflict: demo 0\.1\.0 was deleted, and its name stays taken/)
    assert.equal((await post(archive)).status, 201)
    assert.equal((await index()).entries['demo']?.length, 1)
  })

  it('refuses a chart whose file name another one has', async () => {
    assert.equal((await post(await chart({ name: 'foo', version: '1.0.0-2.0.0' }))).status, 201)
    const reply = await post(await chart({ name: 'foo-1.0.0', version: '2.0.0' }))
    assert.equal(reply.status, 409)
    assert.match(
      reply.reason,
      /its file name foo-1\.0\.0-2\.0\.0\.tgz is that of chart foo version 1\.0\.0-2\.0\.0/,
    )
  })

  it('keeps repositories apart, and makes one for an identity that holds create only', async () => {
    const archive = await chart()
    const refused = await post(archive, '/api/team-a/stable/charts')
    assert.deepEqual(
      [refused.status, refused.reason],
      [404, 'Not Found: there is no repository team-a/stable, and you may not create it'],
    )
    assert.equal((await post(archive, '/api/team-a/stable/charts', admin)).status, 201)
    assert.deepEqual(Object.keys((await index('/team-a/stable/index.yaml')).entries), ['demo'])
    assert.deepEqual((await index()).entries, {})
    assert.deepEqual((await server.request(ci, 'GET', '/team-a/stable/charts/demo-0.1.0.tgz')).bytes, archive)
    assert.equal((await server.request(ci, 'GET', '/team-b/index.yaml')).status, 404)
    assert.equal((await post(archive, '/api/team-a/stable/charts')).status, 201)
  })

  it('refuses a body that says it is too large before reading it, and one that turns out to be', async () => {
    const small = await TestServer.start({ settings: { uploads: { maxBytes: 1000 } } })
    try {
      const publisher = await small.publisher()
      const body = Buffer.alloc(5000)
      const chunked = { 'transfer-encoding': 'chunked' }
      for (const headers of [{}, chunked]) {
        const reply = await small.request(publisher, 'POST', '/api/charts', { body, headers })
        assert.equal(reply.status, 413)
        assert.match(reply.reason, /limit of 1000 bytes/)
      }
      const multipart = form([{ name: 'chart', filename: 'x.tgz', content: body }])
      assert.equal((await small.request(publisher, 'POST', '/api/charts', multipart)).status, 413)
      await assertStored(small.config.storage, { blobs: 0 })
    } finally {
      await small.close()
    }
  })

  const bad: readonly (readonly [
    string,
    () => Promise<{ body: Buffer; headers?: Record<string, string> }>,
    RegExp,
  ])[] = [
    ['an empty body', async () => Promise.resolve({ body: Buffer.alloc(0) }), /Bad Request: .*gzip/],
    ['something that is no archive', async () => Promise.resolve({ body: Buffer.from('hello') }), /gzip/],
    [
      'a form without a chart',
      async () => Promise.resolve(form([{ name: 'other', content: 'x' }])),
      /no package or provenance file found in form fields chart and prov/,
    ],
    [
      'a form with two charts',
      async () => {
        const part = { name: 'chart', filename: 'x.tgz', content: await chart() }
        return form([part, part])
      },
      /field "chart"/,
    ],
    [
      'a form with a file of another name',
      async () => Promise.resolve(form([{ name: 'package', filename: 'x', content: 'x' }])),
      /field "package"/,
    ],
    [
      'a form that breaks off',
      async () => {
        const { body, headers } = form([{ name: 'chart', filename: 'x.tgz', content: await chart() }])
        return { body: body.subarray(0, body.length - 30), headers }
      },
      /not the form/,
    ],
    [
      'a form without a boundary',
      async () =>
        Promise.resolve({ body: Buffer.from('x'), headers: { 'content-type': 'multipart/form-data' } }),
      /not the form/,
    ],
  ]
  for (const [what, make, reason] of bad) {
    it(`refuses ${what} and leaves nothing behind`, async () => {
      const reply = await server.request(ci, 'POST', '/api/charts', await make())
      assert.equal(reply.status, 400)
      assert.match(reply.reason, reason)
      assert.match((jsonOf(reply) as { error: string }).error, /./)
      await assertStored(server.config.storage, { blobs: 0 })
    })
  }

  it('leaves nothing of an upload that breaks off', async () => {
    const noise = randomBytes(200_000).toString('base64')
    const archive = await chart({ files: { 'values.yaml': 'x: 1\n', 'big.bin': noise } })
    const { cert, key } = ci
    const socket = connect({ host: 'localhost', port: server.port, ca: server.ca.certificatePem, cert, key })
    socket.write(`POST /api/charts HTTP/1.1\r\nhost: x\r\ncontent-length: ${archive.length}\r\n\r\n`)
    // More than is held in memory.
    socket.write(archive.subarray(0, 100_000))
    await eventually(async () => {
      assert.equal((await filesBelow(join(server.config.storage, 'tmp'))).length, 1)
    })
    socket.destroy()
    await eventually(async () => {
      assert.deepEqual(await filesBelow(join(server.config.storage, 'tmp')), [])
    })
    assert.deepEqual((await index()).entries, {})
  })

  it('lets twenty racing publishers of one version agree on one content', async () => {
    const archives = await Promise.all(
      Array.from({ length: 20 }, (_, place) => chart({ files: { 'values.yaml': `writer: ${place % 4}\n` } })),
    )
    const replies = await Promise.all(archives.map((archive) => post(archive)))
    const created = replies.filter((reply) => reply.status === 201)
    assert.equal(new Set(created.map((reply) => (jsonOf(reply) as { digest: string }).digest)).size, 1)
    assert.deepEqual(
      replies.filter(({ status }) => status !== 201).map(({ status }) => status),
      Array(15).fill(409),
    )
    assert.equal((await index()).entries['demo']?.length, 1)
  })

  it('orders versions as SemVer does', async () => {
    for (const version of ['1.2.0', 'v1.10.0', '1.2.0-rc.2', '1.2.0-rc.10', '2.0.0-alpha', '0.9.9']) {
      assert.equal((await post(await chart({ version }))).status, 201)
    }
    assert.deepEqual(
      (await index()).entries['demo']?.map(({ version }) => version),
      ['2.0.0-alpha', 'v1.10.0', '1.2.0', '1.2.0-rc.10', '1.2.0-rc.2', '0.9.9'],
    )
  })
})

/** Polls until the assertion holds; fails with its last error. */
async function eventually(assertion: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 3000
  for (;;) {
    try {
      await assertion()
      return
    } catch (error) {
      if (Date.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
