import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { text } from 'node:stream/consumers'
import { TestCa } from '../support/test-ca.ts'
import { jsonOf, TestServer } from '../support/test-server.ts'

describe('the mTLS listener', () => {
  let server: TestServer

  before(async () => {
    server = await TestServer.start()
  })

  after(async () => {
    await server.close()
  })

  async function connected(options: ConnectionOptions): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const socket = connect({
        host: 'localhost',
        port: server.port,
        ca: server.ca.certificatePem,
        ...options,
      })
      socket.once('secureConnect', () => {
        resolve(socket)
      })
      socket.once('error', reject)
    })
  }

  const GET = 'GET /index.yaml HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n'

  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    it(`does not take a resumed ${version} session for a proof of identity`, async () => {
      const { cert, key } = await server.reader()
      const first = await connected({ cert, key, minVersion: version, maxVersion: version })
      const sessions: Buffer[] = [first.getSession() ?? Buffer.alloc(0)]
      first.on('session', (session: Buffer) => sessions.push(session))
      first.write(GET)
      assert.match(await text(first), /^HTTP\/1\.1 200 /)

      for (const session of sessions.filter(({ length }) => length > 0)) {
        const second = await connected({ session, minVersion: version, maxVersion: version })
        assert.equal(second.isSessionReused(), false)
        second.write(GET)
        assert.match(await text(second), /^HTTP\/1\.1 403 Forbidden: /)
      }
    })
  }

  it('speaks nothing older than TLS 1.2', async () => {
    const { cert, key } = await server.reader()
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
    await assert.rejects(connected({ cert, key, ...old }))
  })

  it('takes a leaf of an intermediate CA, sent with its chain', async () => {
    const intermediate = await server.ca.intermediate('Issuing CA')
    const peer = await intermediate.client({ cn: 'ci' })
    const reply = await server.request(peer, 'GET', '/api/whoami')
    assert.equal((jsonOf(reply) as { identity: { value: string } }).identity.value, 'ci')
  })

  it('tells trust anchors apart below intermediates that their files name, and refuses where it cannot', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chartroom-anchor-'))
    const roots = [await TestCa.create({ name: 'Root' }), await TestCa.create({ name: 'Root' })] as const
    const named = await roots[0].intermediate('Issuing CA')
    const unnamed = await roots[1].intermediate('Issuing CA')
    const files = [join(folder, 'one.pem'), join(folder, 'two.pem')] as const
    await writeFile(files[0], named.certificatePem + roots[0].certificatePem)
    await writeFile(files[1], roots[1].certificatePem)
    const several = await TestServer.start({
      settings: {
        tls: {
          clientCAs: [
            { name: 'one', file: files[0] },
            { name: 'two', file: files[1] },
          ],
        },
        access: [{ who: { anchor: 'one' }, may: ['read'], repositories: 'all' }],
      },
    })
    try {
      const anchorOf = async (ca: TestCa) => {
        const reply = await several.request(await ca.client({ cn: 'ci' }), 'GET', '/api/whoami')
        return reply.status === 200
          ? (jsonOf(reply) as { identity: { anchor: string } }).identity.anchor
          : reply.status
      }
      assert.deepEqual(
        [await anchorOf(named), await anchorOf(roots[0]), await anchorOf(roots[1])],
        ['one', 'one', 'two'],
      )
      // Whether the peer's own intermediates can be seen depends on the Node release; a wrong anchor it never is.
      assert.ok(['two', 403].includes(await anchorOf(unnamed)))
    } finally {
      await several.close()
      await rm(folder, { recursive: true })
    }
  })

  it('refuses to start with a trust anchor that is no root', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'chartroom-anchor-'))
    const file = join(folder, 'issuing.pem')
    await writeFile(file, (await server.ca.intermediate('Issuing CA')).certificatePem)
    const settings = {
      tls: { clientCAs: [{ name: 'company', file }] },
      access: [{ who: {}, may: ['read'], repositories: 'all' }],
    }
    await assert.rejects(TestServer.start({ settings }), {
      code: 'key-unusable',
      message: /no self-signed root/,
    })
    await rm(folder, { recursive: true })
  })

  it('refuses a certificate that expires while its connection is open', async () => {
    let now = new Date()
    const aging = await TestServer.start({ now: () => now })
    try {
      const { cert, key } = await aging.ca.client({ cn: 'reader', days: 1 })
      const socket = connect({ host: 'localhost', port: aging.port, ca: aging.ca.certificatePem, cert, key })
      const replies = text(socket)
      const keepAlive = GET.replace('connection: close\r\n', '')
      socket.write(keepAlive)
      await new Promise((resolve) => socket.once('data', resolve))
      now = new Date(now.getTime() + 2 * 86_400_000)
      socket.write(GET)
      const statuses = (await replies).match(/HTTP\/1\.1 \d+ [^\r]*/g)
      assert.deepEqual(statuses, [
        'HTTP/1.1 200 OK',
        'HTTP/1.1 403 Forbidden: your client certificate has expired',
      ])
    } finally {
      await aging.close()
    }
  })

  it('refuses an upload of an unverified peer without reading much of it, and says why', async () => {
    const body = Buffer.alloc(400_000)
    const { status, reason } = await server.request(undefined, 'POST', '/api/charts', { body })
    assert.equal(status, 403)
    assert.match(reason, /a client certificate from a CA that this server names is required/)
  })

  it('asks for a body only after the rights are checked', async () => {
    const { cert, key } = await server.reader()
    const socket = await connected({ cert, key })
    socket.write(
      'POST /api/charts HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n',
    )
    const [head] = (await new Promise<Buffer>((resolve) => socket.once('data', resolve)))
      .toString()
      .split('\r\n')
    assert.equal(head, 'HTTP/1.1 403 Forbidden: "reader" may not publish to the root repository')
    socket.destroy()
  })

  it('lets no expectation lead round the door', async () => {
    const socket = await connected({})
    socket.write('POST /api/charts HTTP/1.1\r\nhost: x\r\nexpect: zzz\r\ncontent-length: 999999\r\n\r\n')
    assert.match(await text(socket), /^HTTP\/1\.1 403 Forbidden: /)
    const { cert, key } = await server.reader()
    const verified = await connected({ cert, key })
    verified.write(GET.replace('\r\n\r\n', '\r\nexpect: zzz\r\n\r\n'))
    assert.match(await text(verified), /^HTTP\/1\.1 200 OK/)
  })

  it('counts and logs refused peers, the log at a bounded rate', async () => {
    for (let count = 0; count < 40; count += 1) await server.request(undefined, 'GET', '/')
    const lines = server.logLines.filter((line) => line.includes('refused an unverified peer'))
    assert.ok(lines.length <= 20, `${lines.length} lines`)
    const metrics = await (await fetch(`${server.opsUrl}/metrics`)).text()
    const [, count] = /chartroom_refused_peers_total\{reason="no-certificate"\} (\d+)/.exec(metrics) ?? []
    assert.ok(Number(count) >= 40)
  })
})
