import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseChartMetadata } from '../../src/chart/metadata.ts'
import { parseDigest } from '../../src/chart/digest.ts'
import { archiveFilename } from '../../src/chart/filename.ts'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { Keyring } from '../../src/provenance/keyring.ts'
import { renderProvenanceMessage } from '../../src/provenance/message.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { verifyProvenance } from '../../src/provenance/verify.ts'
import { chart, chartYaml } from '../support/chart-builder.ts'
import { form } from '../support/form.ts'
import { assertStored } from '../support/leftovers.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'

describe('provenance', () => {
  let folder: string
  let server: TestServer
  let ci: TestPeer
  let publisher: SigningKey
  let stranger: SigningKey
  let archive: Buffer

  before(async () => {
    const open = async (userId: string) =>
      SigningKey.open({ armored: await generateSigningKey({ userId, now: new Date() }) })
    publisher = await open('Publisher <publisher@example.org>')
    stranger = await open('Stranger <stranger@example.org>')
  })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-trusted-'))
    const trustedKeyring = join(folder, 'trusted.gpg')
    await writeFile(trustedKeyring, publisher.publicKeyring.toBinary())
    server = await TestServer.start({
      settings: {
        provenance: { trustedKeyring },
        repositories: [{ name: 'strict', provenance: { unknownSigner: 'refuse' } }],
      },
    })
    ci = await server.publisher()
    archive = await chart()
  })

  afterEach(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  async function sign(key: SigningKey, bytes: Buffer, metadata = chartYaml()): Promise<string> {
    const parsed = parseChartMetadata(metadata)
    return key.sign(
      renderProvenanceMessage({
        metadata: parsed,
        filename: archiveFilename(parsed.name, parsed.version),
        digest: parseDigest(createHash('sha256').update(bytes).digest('hex')),
      }),
    )
  }

  async function publish(provenance: string, repository = '', bytes = archive): Promise<Reply> {
    const multipart = form([
      { name: 'chart', filename: 'demo-0.1.0.tgz', content: bytes },
      { name: 'prov', filename: 'demo-0.1.0.tgz.prov', content: provenance },
    ])
    return server.request(ci, 'POST', `/api${repository}/charts`, multipart)
  }

  async function signersServed(): Promise<readonly (string | undefined)[]> {
    const keys = await server.request(ci, 'GET', '/keys/provenance.gpg')
    const { bytes } = await server.request(ci, 'GET', '/charts/demo-0.1.0.tgz.prov')
    const { signers } = await verifyProvenance({
      provenance: bytes,
      filename: 'demo-0.1.0.tgz',
      digest: parseDigest(createHash('sha256').update(archive).digest('hex')),
      trusted: (await Keyring.parse(keys.bytes)).merge(publisher.publicKeyring).merge(stranger.publicKeyring),
    })
    return signers.map(({ fingerprint }) => fingerprint)
  }

  it('is the server’s own where none came along', async () => {
    await server.request(ci, 'POST', '/api/charts', { body: archive })
    const [own, ...others] = await signersServed()
    assert.match(own ?? '', /^[0-9A-F]{40}$/)
    assert.deepEqual(others, [])
  })

  it('keeps a publisher’s signature behind the server’s', async () => {
    assert.equal((await publish(await sign(publisher, archive))).status, 201)
    const [own, second] = await signersServed()
    assert.notEqual(own, publisher.fingerprint)
    assert.equal(second, publisher.fingerprint)
  })

  it('countersigns an unknown signer where the repository allows it', async () => {
    assert.equal((await publish(await sign(stranger, archive))).status, 201)
    assert.equal((await signersServed())[1], stranger.fingerprint)
  })

  it('refuses an unknown signer where the repository demands a known one', async () => {
    const refused = await publish(await sign(stranger, archive), '/strict')
    assert.equal(refused.status, 403)
    await assertStored(server.config.storage, { blobs: 0 })
    assert.equal((await publish(await sign(publisher, archive), '/strict')).status, 201)
  })

  it('refuses a file that is about other bytes', async () => {
    const other = await chart({ files: { 'values.yaml': 'other: true\n' } })
    const reply = await publish(await sign(publisher, other))
    assert.equal(reply.status, 400)
    assert.match(reply.reason, /digest|sha256/i)
    await assertStored(server.config.storage, { blobs: 0 })
  })

  it('refuses a file that is about another chart', async () => {
    const reply = await publish(await sign(publisher, archive, chartYaml({ name: 'other' })))
    assert.equal(reply.status, 400)
    assert.match(reply.reason, /demo-0\.1\.0\.tgz/)
  })

  it('refuses a signature that does not fit its text', async () => {
    const tampered = (await sign(publisher, archive)).replace('version: 0.1.0', 'version: 0.1.1')
    const reply = await publish(tampered)
    assert.equal(reply.status, 400)
    assert.match(reply.reason, /signature/)
    await assertStored(server.config.storage, { blobs: 0 })
  })

  it('refuses what is no provenance file', async () => {
    const reply = await publish('hello')
    assert.equal(reply.status, 400)
    assert.match(reply.reason, /provenance|clear-signed/)
  })

  it('takes the same archive and file again without a change', async () => {
    const provenance = await sign(publisher, archive)
    await publish(provenance)
    const before = await server.request(ci, 'GET', '/charts/demo-0.1.0.tgz.prov')
    const again = await publish(provenance)
    assert.deepEqual([again.status, (jsonOf(again) as { outcome: string }).outcome], [201, 'unchanged'])
    const after = await server.request(ci, 'GET', '/charts/demo-0.1.0.tgz.prov')
    assert.deepEqual(after.bytes, before.bytes)
  })

  it('takes no repackaged archive for the same content when a provenance file speaks for its bytes', async () => {
    await server.request(ci, 'POST', '/api/charts', { body: archive })
    const repackaged = await chart({ mtime: new Date('2026-06-01T00:00:00Z') })
    const reply = await publish(await sign(publisher, repackaged), '', repackaged)
    assert.equal(reply.status, 409)
  })

  describe('sent on its own', () => {
    async function attach(provenance: string): Promise<Reply> {
      return server.request(ci, 'POST', '/api/prov', { body: provenance })
    }

    it('adds a publisher’s signature to a chart that is there', async () => {
      await server.request(ci, 'POST', '/api/charts', { body: archive })
      const before = await server.request(ci, 'GET', '/charts/demo-0.1.0.tgz.prov')
      const provenance = await sign(publisher, archive)
      const reply = await attach(provenance)
      assert.deepEqual([reply.status, (jsonOf(reply) as { outcome: string }).outcome], [201, 'replaced'])
      assert.equal((await signersServed())[1], publisher.fingerprint)
      const after = await server.request(ci, 'GET', '/charts/demo-0.1.0.tgz.prov')
      assert.notEqual(after.headers.etag, before.headers.etag)
      assert.equal((jsonOf(await attach(provenance)) as { outcome: string }).outcome, 'unchanged')
    })

    it('may come in a form as well', async () => {
      await server.request(ci, 'POST', '/api/charts', { body: archive })
      const content = await sign(publisher, archive)
      const reply = await server.request(
        ci,
        'POST',
        '/api/charts',
        form([{ name: 'prov', filename: 'x', content }]),
      )
      assert.equal(reply.status, 201, reply.reason)
    })

    it('does not replace another publisher’s', async () => {
      await publish(await sign(publisher, archive))
      const reply = await attach(await sign(stranger, archive))
      assert.equal(reply.status, 409)
      assert.match(reply.reason, /another publisher's provenance file/)
      assert.equal((await signersServed())[1], publisher.fingerprint)
    })

    it('is refused for a chart that is not there', async () => {
      const reply = await attach(await sign(publisher, archive))
      assert.equal(reply.status, 404)
      assert.match(reply.reason, /there is no demo 0\.1\.0 to sign for/)
    })

    it('is refused when it is too large', async () => {
      const reply = await attach('x'.repeat(1024 * 1024 + 1))
      assert.equal(reply.status, 413)
    })
  })
})
