import assert from 'node:assert/strict'
import {
  CertificateAuthority,
  createCertificateAuthority,
  type PemPair,
} from '../../../src/pki/certificate-authority.ts'
import { checkServerCertificate } from '../../../src/pki/server-certificate.ts'
import { TestCa, type TestPeer } from '../../support/test-ca.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const DAY_MS = 24 * 60 * 60 * 1000

function pairOf({ cert, key }: TestPeer): PemPair {
  return { certificatePem: cert, keyPem: key }
}

describe('checkServerCertificate', () => {
  let ca: TestCa

  before(async () => {
    ca = await TestCa.create({ now: NOW })
  })

  const ACCEPTED: Readonly<Record<string, () => Promise<TestPeer>>> = {
    'a host name': async () => ca.server(['charts.example']),
    'an address only': async () => ca.server(['192.0.2.1']),
    'an intermediate behind it': async () => (await ca.intermediate('Intermediate')).server(),
    'no extended key usage, which allows all': async () => ca.server(undefined, { eku: 'none' }),
    'an RSA key of 2048 bits': async () => ca.server(undefined, { key: 'rsa' }),
    'a P-384 key': async () => ca.server(undefined, { key: 'ec-p384' }),
  }
  for (const [title, make] of Object.entries(ACCEPTED)) {
    it(`accepts one with ${title}`, async () => {
      checkServerCertificate(pairOf(await make()), NOW)
    })
  }

  it('accepts what the built-in CA issues', async () => {
    const pair = await createCertificateAuthority({ commonName: 'Chartroom CA', now: NOW })
    const authority = CertificateAuthority.open(pair, NOW)
    checkServerCertificate(await authority.issueServer({ names: ['localhost'], now: NOW }), NOW)
  })

  const after = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS)
  const REFUSED: Readonly<Record<string, readonly [make: () => Promise<TestPeer>, message: RegExp]>> = {
    'an expired one': [
      async () => ca.server(undefined, { notBefore: after(-9), notAfter: after(-1) }),
      /expired at 2026-02-28T12:00:00.000Z: renew it/,
    ],
    'one of tomorrow': [
      async () => ca.server(undefined, { notBefore: after(1), notAfter: after(9) }),
      /not valid before 2026-03-02T12:00:00.000Z: wait/,
    ],
    'one for clients': [async () => ca.server(undefined, { eku: 'client' }), /not for servers: .*serverAuth/],
    'one with a common name only': [
      async () => ca.server([], { cn: 'localhost' }),
      /no DNS name or IP address/,
    ],
    'one with an e-mail address only': [
      async () => ca.server([], { email: 'a@b.example' }),
      /no DNS name or IP/,
    ],
    'one that names a host within a URI only': [
      async () => ca.server([], { uri: 'https://a.example/, DNS:localhost' }),
      /no DNS name or IP address/,
    ],
    'a short RSA key': [
      async () => ca.server(undefined, { key: 'rsa-1024' }),
      /1024 bits: get one with at least 2048/,
    ],
  }
  for (const [title, [make, message]] of Object.entries(REFUSED)) {
    it(`refuses ${title}`, async () => {
      const pair = pairOf(await make())
      assert.throws(
        () => {
          checkServerCertificate(pair, NOW)
        },
        { code: 'key-unusable', message },
      )
    })
  }

  it('refuses the key of another certificate', async () => {
    const pair = { ...pairOf(await ca.server()), keyPem: (await ca.server()).key }
    assert.throws(
      () => {
        checkServerCertificate(pair, NOW)
      },
      {
        code: 'key-unusable',
        message: /does not belong to its key/,
      },
    )
  })

  it('refuses a chain in the wrong order', async () => {
    const intermediate = await ca.intermediate('Intermediate')
    const { cert, key } = await intermediate.server()
    const [leaf = '', chain = ''] = cert.split(/(?<=-----END CERTIFICATE-----\n)/)
    assert.throws(
      () => {
        checkServerCertificate({ certificatePem: chain + leaf, keyPem: key }, NOW)
      },
      {
        code: 'key-unusable',
        message: /put it before its intermediates/,
      },
    )
  })
})
