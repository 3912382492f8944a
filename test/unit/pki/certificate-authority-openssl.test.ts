import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CertificateAuthority,
  createCertificateAuthority,
  type PemPair,
} from '../../../src/pki/certificate-authority.ts'
import { describeWithOpenssl, openssl } from '../../support/openssl.ts'

describeWithOpenssl('openssl with the built-in CA', () => {
  let dir: string
  let authority: CertificateAuthority
  const now = new Date()

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'chartroom-ca-'))
    const pair = await createCertificateAuthority({ commonName: 'Chartroom CA', now })
    authority = CertificateAuthority.open(pair, now)
    await writeFile(join(dir, 'ca.crt'), pair.certificatePem)
    await writeFile(join(dir, 'ca.key'), pair.keyPem)
  })

  afterEach(async () => {
    await rm(dir, { recursive: true })
  })

  async function fileOf(issued: PemPair): Promise<string> {
    await writeFile(join(dir, 'leaf.key'), issued.keyPem)
    await writeFile(join(dir, 'leaf.crt'), issued.certificatePem)
    return join(dir, 'leaf.crt')
  }

  function verify(purpose: string, file: string) {
    return openssl('verify', '-x509_strict', '-CAfile', join(dir, 'ca.crt'), '-purpose', purpose, file)
  }

  function textOf(file: string): string {
    return openssl('x509', '-in', file, '-noout', '-text').output.replace(/\s+/g, ' ')
  }

  it('finds the CA to be one for leaves and CRLs', () => {
    const text = textOf(join(dir, 'ca.crt'))
    assert.match(text, /Version: 3/)
    assert.match(text, /ecdsa-with-SHA256/)
    assert.match(text, /Basic Constraints: critical CA:TRUE, pathlen:0/)
    assert.match(text, /Key Usage: critical Certificate Sign, CRL Sign/)
    const [, subjectId] = /Subject Key Identifier: ([0-9A-F:]+)/.exec(text) ?? []
    assert.ok(subjectId !== undefined && text.includes(`Authority Key Identifier: ${subjectId}`))
    assert.match(
      openssl('verify', '-x509_strict', '-CAfile', join(dir, 'ca.crt'), join(dir, 'ca.crt')).output,
      /OK/,
    )
  })

  it('accepts a client for being a client, and for nothing else', async () => {
    const file = await fileOf(
      await authority.issueClient({
        commonName: 'ci',
        organizations: ['platform', 'infra'],
        units: ['build'],
        uri: 'spiffe://trust.example/ci',
        emails: ['ci@example.org'],
        dnsNames: ['ci.example'],
        now,
      }),
    )
    assert.match(verify('sslclient', file).output, /OK/)
    assert.notEqual(verify('sslserver', file).code, 0)
    const text = textOf(file)
    assert.match(text, /Subject: O = platform, O = infra, OU = build, CN = ci /)
    assert.match(text, /Basic Constraints: critical CA:FALSE/)
    assert.match(text, /X509v3 Key Usage: critical Digital Signature X509v3/)
    assert.match(text, /Extended Key Usage: TLS Web Client Authentication X509v3/)
    assert.match(text, /URI:spiffe:\/\/trust.example\/ci, email:ci@example.org, DNS:ci.example/)
  })

  it('accepts a server for being a server under each of its names, and for nothing else', async () => {
    const names = ['localhost', '*.charts.example', '192.0.2.1', '2001:db8::1', '::ffff:192.0.2.7', '::']
    const file = await fileOf(await authority.issueServer({ names, now }))
    assert.match(verify('sslserver', file).output, /OK/)
    assert.notEqual(verify('sslclient', file).code, 0)
    assert.match(textOf(file), /Extended Key Usage: TLS Web Server Authentication X509v3/)
    for (const host of ['localhost', 'a.charts.example']) {
      assert.match(openssl('x509', '-in', file, '-noout', '-checkhost', host).output, /does match/)
    }
    for (const ip of ['192.0.2.1', '2001:db8::1', '::ffff:c000:207', '::']) {
      assert.match(openssl('x509', '-in', file, '-noout', '-checkip', ip).output, /does match/)
    }
    assert.match(openssl('x509', '-in', file, '-noout', '-checkhost', 'other').output, /does NOT match/)
  })

  for (const commonName of [
    'CN=a,O=b',
    'a/O=b',
    'a+O=b',
    'a, O = b',
    '"O=b"',
    'a\\2CO=b',
    '#4f3d62',
    'Zoë 名前 🚢',
  ]) {
    it(`reads ${commonName} as one common name`, async () => {
      const file = await fileOf(await authority.issueClient({ commonName, now }))
      assert.deepEqual(namesIn(file), ['commonName', 'Chartroom CA', 'commonName', commonName])
      assert.match(verify('sslclient', file).output, /OK/)
    })
  }

  /** The issuer's attributes and the subject's, each with its value, as they are encoded. */
  function namesIn(file: string): readonly (string | undefined)[] {
    const { output } = openssl('asn1parse', '-in', file)
    const attributes = output.matchAll(/OBJECT +:(\w+Name)\n.*UTF8STRING +:(.*)/g)
    return Array.from(attributes).flatMap(([, type, value]) => [type, value])
  }

  it('finds the keys sound', async () => {
    await fileOf(await authority.issueClient({ commonName: 'a', now }))
    for (const name of ['ca.key', 'leaf.key']) {
      const { output } = openssl('ec', '-in', join(dir, name), '-check', '-noout')
      assert.match(output, /EC Key valid/)
    }
  })

  it('refuses a leaf of another CA with the same name', async () => {
    const twin = CertificateAuthority.open(
      await createCertificateAuthority({ commonName: 'Chartroom CA', now }),
      now,
    )
    assert.notEqual(
      verify('sslclient', await fileOf(await twin.issueClient({ commonName: 'a', now }))).code,
      0,
    )
  })

  it('makes a CA that the product can open', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const sec1 = privateKey.export({ type: 'sec1', format: 'pem' }).toString()
    await writeFile(join(dir, 'own.key'), sec1)
    const { output: certificatePem } = openssl(
      'req',
      '-x509',
      '-new',
      '-key',
      join(dir, 'own.key'),
      '-subj',
      '/CN=Own',
      '-addext',
      'keyUsage=critical,keyCertSign',
    )
    await writeFile(join(dir, 'ca.crt'), certificatePem)
    const own = CertificateAuthority.open({ certificatePem, keyPem: sec1 }, new Date())
    assert.match(
      verify('sslclient', await fileOf(await own.issueClient({ commonName: 'a', now: new Date() }))).output,
      /OK/,
    )
  })
})
