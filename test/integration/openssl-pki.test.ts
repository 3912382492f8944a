import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { agentOf, exchange } from '../support/exchange.ts'
import { describeWithOpenssl } from '../support/openssl.ts'
import { OpensslCa, type OpensslLeaf } from '../support/openssl-pki.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'

const ACCESS = [{ who: { anchor: 'company' }, may: ['read'], repositories: 'all' }]

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * 86_400_000)
}

describeWithOpenssl("a company's own PKI, made with openssl", () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-openssl-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  /** The server trusts `certificates` as the anchor `company`, with these CRLs. */
  async function serving<T>(
    options: { certificates: string; crl?: string; staleCrl?: 'accept' | 'refuse' },
    use: (server: TestServer) => Promise<T>,
  ): Promise<T> {
    const file = join(folder, 'company.pem')
    const crl = join(folder, 'company.crl')
    await writeFile(file, options.certificates)
    if (options.crl !== undefined) await writeFile(crl, options.crl)
    const company = {
      name: 'company',
      file,
      ...(options.crl !== undefined && { crl }),
      ...(options.staleCrl !== undefined && { staleCrl: options.staleCrl }),
    }
    const server = await TestServer.start({ settings: { tls: { clientCAs: [company] }, access: ACCESS } })
    try {
      return await use(server)
    } finally {
      await server.close()
    }
  }

  async function answer(server: TestServer, peer: TestPeer): Promise<string> {
    const { status, reason } = await server.request(peer, 'GET', '/index.yaml')
    return `${status} ${reason}`
  }

  for (const key of ['rsa', 'ec', 'ed25519'] as const) {
    it(`is taken with ${key} keys, directly and by an intermediate`, async () => {
      const root = OpensslCa.create(join(folder, 'root'), 'Root', key)
      const intermediate = root.intermediate('Issuing CA')
      await serving({ certificates: root.certificatePem }, async (server) => {
        assert.equal(await answer(server, root.client()), '200 OK')
        assert.equal(await answer(server, intermediate.client()), '200 OK')
      })
    })
  }

  const leaves: readonly (readonly [string, OpensslLeaf, string])[] = [
    [
      'takes one without extended key usage, which allows all',
      { extensions: ['basicConstraints=CA:FALSE'] },
      '200 OK',
    ],
    [
      'refuses one for servers only',
      { extensions: ['extendedKeyUsage=serverAuth'] },
      '403 Forbidden: your client certificate is not for client authentication',
    ],
    [
      'refuses one with two URI names',
      { extensions: ['subjectAltName=URI:spiffe://x/a,URI:spiffe://x/b', 'extendedKeyUsage=clientAuth'] },
      '403 Forbidden: your client certificate does not name exactly one identity',
    ],
  ]
  for (const [title, leaf, expected] of leaves) {
    it(title, async () => {
      const root = OpensslCa.create(join(folder, 'root'), 'Root')
      await serving({ certificates: root.certificatePem }, async (server) => {
        assert.equal(await answer(server, root.client(leaf)), expected)
      })
    })
  }

  it('holds its CAs to their name constraints', async () => {
    const root = OpensslCa.create(join(folder, 'root'), 'Root')
    const limited = root.intermediate('Limited CA', ['nameConstraints=critical,permitted;DNS:team-a.example'])
    const leaf = (name: string): OpensslLeaf => ({
      extensions: [`subjectAltName=DNS:${name}`, 'extendedKeyUsage=clientAuth'],
    })
    await serving({ certificates: root.certificatePem }, async (server) => {
      assert.equal(await answer(server, limited.client(leaf('ci.team-a.example'))), '200 OK')
      assert.equal(
        await answer(server, limited.client(leaf('ci.team-b.example'))),
        '403 Forbidden: your client certificate is not from a CA that this server trusts',
      )
    })
  })

  it('is not mistaken for another CA of the same name', async () => {
    const root = OpensslCa.create(join(folder, 'root'), 'Root')
    const namesake = OpensslCa.create(join(folder, 'namesake'), 'Root')
    await serving({ certificates: root.certificatePem }, async (server) => {
      assert.equal(
        await answer(server, namesake.client()),
        '403 Forbidden: your client certificate is not from a CA that this server trusts',
      )
    })
  })

  describe('with CRLs', () => {
    const today = new Date().toISOString().slice(0, 10)
    const revokedText = `403 Forbidden: your client certificate was revoked on ${today}`
    const unknownText =
      '403 Forbidden: the revocation list of the CA of your client certificate is missing or out of date'

    it('is checked under each issuer, by serial number', async () => {
      const root = OpensslCa.create(join(folder, 'root'), 'Root')
      const issuing = root.intermediate('Issuing CA')
      const [good, bad, inner, innerBad] = [root.client(), root.client(), issuing.client(), issuing.client()]
      const certificates = issuing.certificatePem + root.certificatePem
      const crl = root.crl([bad], daysFromNow(5)) + issuing.crl([innerBad], daysFromNow(5))
      await serving({ certificates, crl }, async (server) => {
        assert.deepEqual(
          await Promise.all([good, bad, inner, innerBad].map((peer) => answer(server, peer))),
          ['200 OK', revokedText, '200 OK', revokedText],
        )
      })
    })

    it('closes when a list is out of date or missing, unless told otherwise; what is on it stays revoked', async () => {
      const root = OpensslCa.create(join(folder, 'root'), 'Root')
      const issuing = root.intermediate('Issuing CA')
      const [good, bad, unlisted] = [root.client(), root.client(), issuing.client()]
      const certificates = issuing.certificatePem + root.certificatePem
      const crl = root.crl([bad], daysFromNow(-1))
      for (const [staleCrl, text] of [
        ['refuse', unknownText],
        ['accept', '200 OK'],
      ] as const) {
        await serving({ certificates, crl, staleCrl }, async (server) => {
          assert.deepEqual(await Promise.all([good, bad, unlisted].map((peer) => answer(server, peer))), [
            text,
            revokedText,
            text,
          ])
          const metrics = await (await fetch(`${server.opsUrl}/metrics`)).text()
          assert.match(metrics, /chartroom_expiry_timestamp_seconds\{what="revocation list company"\}/)
          assert.ok(server.logLines.some((line) => line.includes('has expired')))
        })
      }
    })

    it('refuses to start with a list that is missing, or signed by a CA that only has the same name', async () => {
      const root = OpensslCa.create(join(folder, 'root'), 'Root')
      const namesake = OpensslCa.create(join(folder, 'namesake'), 'Root')
      const certificates = root.certificatePem
      const never = async (): Promise<void> => Promise.reject(new Error('it started'))
      await assert.rejects(serving({ certificates, crl: namesake.crl([], daysFromNow(5)) }, never), {
        code: 'key-unusable',
        message: /company\.crl: holds a CRL that no CA of its trust anchor has signed/,
      })
      await assert.rejects(serving({ certificates, crl: 'nonsense' }, never), { code: 'key-unusable' })
    })

    it('takes a new list at once, on open connections too, and keeps the old one where the new one is broken', async () => {
      const root = OpensslCa.create(join(folder, 'root'), 'Root')
      const [good, bad] = [root.client(), root.client()]
      const file = join(folder, 'company.crl')
      await serving(
        { certificates: root.certificatePem, crl: root.crl([], daysFromNow(5)) },
        async (server) => {
          const agent = agentOf(server.ca.certificatePem, bad, 'kept alive')
          assert.equal((await exchange(agent, 'GET', `${server.url}/index.yaml`)).status, 200)
          const [open] = Object.values(agent.freeSockets).flat()
          assert.ok(open)
          const ended = once(open, 'close')
          await writeFile(file, root.crl([bad], daysFromNow(5)))
          await server.reload()
          await ended
          assert.equal(await answer(server, bad), revokedText)
          await writeFile(file, 'broken')
          await server.reload()
          assert.deepEqual([await answer(server, bad), await answer(server, good)], [revokedText, '200 OK'])
          agent.destroy()
        },
      )
    })
  })
})
