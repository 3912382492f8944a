import { X509Certificate } from 'node:crypto'
import { deepEqual, equal } from 'node:assert/strict'
import { describeCertificate, findIssuer, serialOf } from '../../../src/pki/describe-certificate.ts'
import { subjectKeyDigest } from '../../../src/pki/pem.ts'
import { identityFrom } from '../../../src/policy/certificate-identity.ts'
import { type LeafOptions, TestCa } from '../../support/test-ca.ts'

describe('describeCertificate', () => {
  let ca: TestCa
  let issuer: X509Certificate

  before(async () => {
    ca = await TestCa.create()
    issuer = new X509Certificate(ca.certificatePem)
  })

  async function leaf(options: LeafOptions): Promise<X509Certificate> {
    return new X509Certificate((await ca.leaf(options)).cert)
  }

  it('says who it is, from whom, and for how long', async () => {
    const certificate = await leaf({
      cn: 'ci',
      ou: 'publishers',
      uri: 'spiffe://example.org/ci',
      dns: 'ci.example',
      ip: '192.0.2.1',
      email: 'ci@example.org',
    })
    deepEqual(describeCertificate(certificate, issuer), {
      issuerKey: subjectKeyDigest(issuer),
      serial: identityFrom(certificate, 'any').serial,
      name: 'ci',
      subject: 'OU=publishers, CN=ci',
      altNames: ['URI:spiffe://example.org/ci', 'email:ci@example.org', 'DNS:ci.example', 'IP:192.0.2.1'],
      notBefore: certificate.validFromDate,
      notAfter: certificate.validToDate,
    })
  })

  it('takes one without a name as nameless', async () => {
    const { name, altNames } = describeCertificate(await leaf({ o: 'x' }), issuer)
    deepEqual({ name, altNames }, { name: '', altNames: [] })
  })

  it('writes serial numbers as identities have them', async () => {
    const certificate = await leaf({ cn: 'a' })
    equal(serialOf(certificate), identityFrom(certificate, 'any').serial)
  })
})

describe('findIssuer', () => {
  it('goes by the signature, and not by the name', async () => {
    const [ca, double] = [await TestCa.create(), await TestCa.create()]
    const leaf = new X509Certificate((await ca.client()).cert)
    const [issuer, other] = [
      new X509Certificate(ca.certificatePem),
      new X509Certificate(double.certificatePem),
    ]
    equal(findIssuer(leaf, [other, issuer]), issuer)
    equal(findIssuer(leaf, [other]), undefined)
    equal(findIssuer(leaf, []), undefined)
  })
})
