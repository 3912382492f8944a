import assert from 'node:assert/strict'
import { generateKeyPairSync, webcrypto, X509Certificate } from 'node:crypto'
import {
  CertificateAuthority,
  type ClientRequest,
  createCertificateAuthority,
  type IssuedCertificate,
  type PemPair,
} from '../../../src/pki/certificate-authority.ts'
import { createKeyPair, privateKeyPem } from '../../../src/pki/key-pair.ts'
import { subjectKeyDigest } from '../../../src/pki/pem.ts'
import {
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '../../../src/pki/x509.ts'
import { TestCa } from '../../support/test-ca.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const NOW = new Date('2026-03-01T12:00:00Z')

function daysAfter(days: number): Date {
  return new Date(NOW.getTime() + days * DAY_MS)
}

describe('createCertificateAuthority', () => {
  it('makes one for ten years, with its name and a key of its own', async () => {
    const { certificatePem, keyPem } = await createCertificateAuthority({
      commonName: 'Chartroom CA',
      now: NOW,
    })
    const certificate = new X509Certificate(certificatePem)
    assert.equal(certificate.subject, 'CN=Chartroom CA')
    assert.ok(certificate.verify(certificate.publicKey))
    assert.deepEqual(certificate.validFromDate, new Date('2026-03-01T11:00:00Z'))
    assert.deepEqual(certificate.validToDate, daysAfter(3650))
    assert.match(keyPem, /^-----BEGIN PRIVATE KEY-----\n/)
  })

  it('takes another length of life', async () => {
    const { certificatePem } = await createCertificateAuthority({ commonName: 'x', days: 2, now: NOW })
    assert.deepEqual(new X509Certificate(certificatePem).validToDate, daysAfter(2))
  })

  it('refuses a name or a length of life that cannot be', async () => {
    for (const request of [
      { commonName: '', now: NOW },
      { commonName: 'x', days: 0, now: NOW },
    ]) {
      await assert.rejects(createCertificateAuthority(request), { code: 'request-invalid' })
    }
  })

  it('writes years past 2049 as RFC 5280 has them', async () => {
    const pair = await createCertificateAuthority({ commonName: 'x', days: 36_525, now: NOW })
    assert.equal(new X509Certificate(pair.certificatePem).validToDate.getUTCFullYear(), 2126)
    const client = await CertificateAuthority.open(pair, NOW).issueClient({
      commonName: 'x',
      days: 10_000,
      now: NOW,
    })
    assert.equal(new X509Certificate(client.certificatePem).validToDate.getUTCFullYear(), 2053)
  })
})

describe('CertificateAuthority', () => {
  let pair: PemPair
  let authority: CertificateAuthority
  let leaf: IssuedCertificate

  before(async () => {
    pair = await createCertificateAuthority({ commonName: 'Chartroom CA', now: NOW })
    authority = CertificateAuthority.open(pair, NOW)
    leaf = await authority.issueClient({ commonName: 'leaf', now: NOW })
  })

  it('refuses to open with a key of another certificate', async () => {
    const { keyPem } = await createCertificateAuthority({ commonName: 'Chartroom CA', now: NOW })
    assert.throws(() => CertificateAuthority.open({ ...pair, keyPem }, NOW), {
      code: 'key-unusable',
      message: /key does not belong to the CA certificate/,
    })
  })

  it('refuses to open with a leaf', () => {
    assert.throws(() => CertificateAuthority.open(leaf, NOW), {
      code: 'key-unusable',
      message: /is not a CA/,
    })
  })

  for (const key of ['rsa', 'ec-p384'] as const) {
    it(`refuses to open with a key of kind ${key}`, async () => {
      const other = await TestCa.create({ key, now: NOW })
      assert.throws(() => CertificateAuthority.open(other, NOW), {
        code: 'key-unusable',
        message: /ECDSA P-256/,
      })
    })
  }

  it('refuses to open before and after the life of the CA', () => {
    for (const now of [daysAfter(-1), daysAfter(3651)]) {
      assert.throws(() => CertificateAuthority.open(pair, now), {
        code: 'key-unusable',
        message: /valid from 2026-03-01T11:00:00.000Z to 2036-02-27T12:00:00.000Z only: make a new CA/,
      })
    }
  })

  it('refuses to issue when the CA has expired since it was opened', async () => {
    const now = daysAfter(3651)
    const refusal = { code: 'key-unusable', message: /make a new CA/ }
    await assert.rejects(authority.issueServer({ names: ['localhost'], now }), refusal)
    await assert.rejects(authority.issueClient({ commonName: 'a', now }), refusal)
  })

  it('shows its certificate', () => {
    assert.equal(authority.certificatePem, pair.certificatePem)
  })

  it('tells what it issued, as the certificate says it', async () => {
    const issued = await authority.issueClient({
      commonName: 'a, b',
      organizations: ['x'],
      units: ['y'],
      now: NOW,
    })
    const certificate = new X509Certificate(issued.certificatePem)
    assert.equal(issued.issuerKey, subjectKeyDigest(new X509Certificate(pair.certificatePem)))
    assert.equal(issued.serial, certificate.serialNumber.toLowerCase())
    assert.equal(issued.subject, 'O=x, OU=y, CN=a\\, b')
    assert.deepEqual(issued.notBefore, certificate.validFromDate)
    assert.deepEqual(issued.notAfter, certificate.validToDate)
    assert.deepEqual(issued.notAfter, daysAfter(365))
  })

  it('gives random serial numbers of full length, positive and without leading zeros', async () => {
    const requests = Array.from({ length: 20 }, async () =>
      authority.issueClient({ commonName: 'a', now: NOW }),
    )
    const serials = (await Promise.all(requests)).map(({ serial }) => serial)
    assert.equal(new Set(serials).size, 20)
    for (const serial of serials) assert.match(serial, /^[4-7][0-9a-f]{39}$/)
  })

  it('lets no leaf outlive the CA', async () => {
    const now = daysAfter(3600)
    const { notAfter } = await authority.issueClient({ commonName: 'a', now })
    assert.deepEqual(notAfter, daysAfter(3650))
    const shorter = await authority.issueServer({ names: ['a'], days: 7, now })
    assert.deepEqual(shorter.notAfter, daysAfter(3607))
  })

  const REFUSED: Readonly<Record<string, Partial<ClientRequest>>> = {
    'a common name': { commonName: '' },
    'an organisation': { organizations: ['a\0b'] },
    'a unit': { units: [''] },
    'a URI': { uri: 'spiffe://A/b' },
    'an e-mail address': { emails: ['a'] },
    'a DNS name': { dnsNames: ['*.a'] },
    'a length of life': { days: 0.5 },
  }
  for (const [title, part] of Object.entries(REFUSED)) {
    it(`refuses a client with ${title} that cannot be`, async () => {
      await assert.rejects(authority.issueClient({ commonName: 'a', now: NOW, ...part }), {
        code: 'request-invalid',
      })
    })
  }

  it('refuses a server without a name, or with one that cannot be', async () => {
    await assert.rejects(authority.issueServer({ names: [], now: NOW }), {
      code: 'request-invalid',
      message: /at least one name/,
    })
    await assert.rejects(authority.issueServer({ names: ['localhost', 'a b'], now: NOW }), {
      code: 'request-invalid',
      message: /"a b"/,
    })
  })

  it('names each server once, and takes a common name that X.520 has room for', async () => {
    const long = `${'a'.repeat(63)}.example`
    const both = await authority.issueServer({ names: [long, 'localhost', 'localhost', '::1'], now: NOW })
    assert.equal(both.subject, 'CN=localhost')
    assert.equal(altNamesOf(both), `DNS:${long}, DNS:localhost, IP Address:0:0:0:0:0:0:0:1`)
    const onlyLong = await authority.issueServer({ names: [long], now: NOW })
    assert.equal(onlyLong.subject, 'CN=Chartroom endpoint')
  })

  it('names each client by URI, e-mail addresses and DNS names, once each', async () => {
    const client = await authority.issueClient({
      commonName: 'ci',
      uri: 'spiffe://a/b',
      emails: ['a@b.example', 'a@b.example', 'c@d.example'],
      dnsNames: ['ci.example', 'ci.example'],
      now: NOW,
    })
    assert.equal(altNamesOf(client), 'URI:spiffe://a/b, email:a@b.example, email:c@d.example, DNS:ci.example')
    assert.equal(altNamesOf(leaf), undefined)
  })

  it('certifies a key that its owner keeps', async () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const certified = await authority.certifyClient(
      { commonName: 'theirs', units: ['x'], now: NOW },
      publicKey,
    )
    const certificate = new X509Certificate(certified.certificatePem)
    assert.ok(certificate.publicKey.equals(publicKey))
    assert.ok(certificate.verify(new X509Certificate(pair.certificatePem).publicKey))
    assert.equal(certified.subject, 'OU=x, CN=theirs')
    assert.ok(!('keyPem' in certified))
  })

  it('renews with the same subject, names and lifetime, and another serial number', async () => {
    const old = await authority.issueClient({
      commonName: 'a+b, "c"',
      organizations: ['O=1', 'two'],
      uri: 'spiffe://example.org/ci',
      dnsNames: ['ci.example'],
      emails: ['ci@example.org'],
      days: 30,
      now: NOW,
    })
    const certificate = new X509Certificate(old.certificatePem)
    const { publicKey } = certificate
    const renewed = await authority.renewClient({ certificate, publicKey, now: daysAfter(20) })
    assert.notEqual(renewed.serial, old.serial)
    assert.deepEqual([renewed.subject, renewed.altNames], [old.subject, old.altNames])
    assert.deepEqual(renewed.notAfter, daysAfter(50))
    const shorter = await authority.renewClient({ certificate, publicKey, days: 3, now: NOW })
    assert.deepEqual(shorter.notAfter, daysAfter(3))
  })

  it('renews one without alternative names', async () => {
    const certificate = new X509Certificate(leaf.certificatePem)
    const renewed = await authority.renewClient({ certificate, publicKey: certificate.publicKey, now: NOW })
    assert.deepEqual([renewed.subject, renewed.altNames], ['CN=leaf', []])
  })

  function altNamesOf({ certificatePem }: PemPair): string | undefined {
    return new X509Certificate(certificatePem).subjectAltName
  }
})

describe('a CA that other software made', () => {
  it('has its own key identifier in its leaves, for some verifiers chain by it', async () => {
    const foreign = await foreignCa('0123456789abcdef')
    const { certificatePem } = await foreign.issueClient({ commonName: 'a', now: NOW })
    assert.match(toText(certificatePem), /0123456789abcdef/)
  })

  it('may have no key identifier', async () => {
    const foreign = await foreignCa(undefined)
    const { certificatePem } = await foreign.issueClient({ commonName: 'a', now: NOW })
    assert.ok(new X509Certificate(certificatePem).checkIssued(new X509Certificate(foreign.certificatePem)))
  })

  async function foreignCa(keyIdentifier: string | undefined): Promise<CertificateAuthority> {
    const keys = await createKeyPair()
    const certificate = await X509CertificateGenerator.createSelfSigned(
      {
        name: new Name([{ CN: [{ printableString: 'Foreign' }] }]),
        keys: { publicKey: keys.publicKey, privateKey: keys.privateKey },
        notBefore: daysAfter(-1),
        notAfter: daysAfter(1),
        extensions: [
          new BasicConstraintsExtension(true, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
          ...(keyIdentifier === undefined ? [] : [new SubjectKeyIdentifierExtension(keyIdentifier)]),
        ],
      },
      webcrypto,
    )
    const pair = { certificatePem: certificate.toString('pem'), keyPem: privateKeyPem(keys.privateKey) }
    return CertificateAuthority.open(pair, NOW)
  }

  /** The DER in hex: enough to find an octet string in. */
  function toText(pem: string): string {
    return new X509Certificate(pem).raw.toString('hex')
  }
})
