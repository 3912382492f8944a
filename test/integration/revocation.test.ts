import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { type Catalog } from '../../src/catalog/catalog.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { subjectKeyDigest } from '../../src/pki/pem.ts'
import { eventually } from '../support/eventually.ts'
import { agentOf, exchange } from '../support/exchange.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'

describe("revocation by the catalog's own list", () => {
  let server: TestServer
  let catalog: Catalog

  beforeEach(async () => {
    server = await TestServer.start()
    // As another process would: the command line, or a second server on the same storage.
    catalog = await SqliteCatalog.open({ file: join(server.config.storage, 'catalog.db') })
  })

  afterEach(async () => {
    await catalog.close()
    await server.close()
  })

  async function revoke({ cert }: TestPeer): Promise<void> {
    const issuerKey = subjectKeyDigest(new X509Certificate(server.ca.certificatePem))
    const serial = new X509Certificate(cert).serialNumber.toLowerCase().replace(/^0+/, '')
    const actor = { who: 'cli:test', from: 'local', requestId: 'test', at: new Date() }
    await catalog.revokeCertificate({ issuerKey, serial }, 'keyCompromise', actor)
  }

  it('refuses the certificate within a second, says since when, and leaves others alone', async () => {
    const [revoked, other] = [await server.reader(), await server.reader()]
    assert.equal((await server.request(revoked, 'GET', '/index.yaml')).status, 200)
    await revoke(revoked)
    const today = new Date().toISOString().slice(0, 10)
    await eventually(async () => {
      const { status, reason } = await server.request(revoked, 'GET', '/index.yaml')
      assert.deepEqual([status, reason], [403, `Forbidden: your client certificate was revoked on ${today}`])
    })
    assert.equal((await server.request(other, 'GET', '/index.yaml')).status, 200)
  })

  it('ends its open connections within a second, under load', async () => {
    const [revoked, other] = [await server.reader(), await server.reader()]
    const ca = server.ca.certificatePem
    const idle = agentOf(ca, revoked, 'kept alive')
    await exchange(idle, 'GET', `${server.url}/index.yaml`)
    const [socket] = Object.values(idle.freeSockets).flat()
    assert.ok(socket)
    const ended = new Promise((resolve) => socket.once('close', resolve))

    const load = { on: true }
    const statuses = new Set<number>()
    const loading = (async () => {
      while (load.on) statuses.add((await server.request(other, 'GET', '/index.yaml')).status)
    })()
    const since = Date.now()
    await revoke(revoked)
    await ended
    assert.ok(Date.now() - since < 1000, `${Date.now() - since} ms`)
    load.on = false
    await loading
    idle.destroy()
    assert.deepEqual([...statuses], [200])
  })

  it('notes when a recorded certificate was last used', async () => {
    const peer = await server.reader()
    const certificate = new X509Certificate(peer.cert)
    const issuerKey = subjectKeyDigest(new X509Certificate(server.ca.certificatePem))
    const serial = certificate.serialNumber.toLowerCase().replace(/^0+/, '')
    await catalog.recordCertificate(
      {
        issuerKey,
        serial,
        name: 'reader',
        subject: certificate.subject,
        altNames: [],
        notBefore: certificate.validFromDate,
        notAfter: certificate.validToDate,
      },
      { who: 'cli:test', from: 'local', requestId: 'test', at: new Date() },
    )
    await server.request(peer, 'GET', '/index.yaml')
    await eventually(async () => {
      const [known] = await catalog.findCertificates({ serial })
      assert.ok(known?.lastSeenAt)
    })
  })
})
