import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { identityFrom } from '../../../src/policy/certificate-identity.ts'
import { type LeafOptions, TestCa } from '../../support/test-ca.ts'

describe('identityFrom', () => {
  let ca: TestCa

  before(async () => {
    ca = await TestCa.create()
  })

  async function identify(options: LeafOptions) {
    const { cert } = await ca.leaf({ eku: 'client', ...options })
    return identityFrom(new X509Certificate(cert), 'company')
  }

  const names = {
    cn: 'name',
    dns: 'host.example',
    email: 'me@example.org',
    uri: 'spiffe://example.org/ci',
  } as const
  const { cn, dns, email, uri } = names
  const principals: readonly (readonly [string, LeafOptions, string, string])[] = [
    ['a SPIFFE URI before everything', { cn, dns, email, uri }, 'spiffe', uri],
    ['the e-mail address before DNS name and common name', { cn, dns, email }, 'email', email],
    ['the DNS name before the common name', { cn, dns }, 'dns', dns],
    ['the common name where there is nothing else', { cn }, 'cn', cn],
    ['not a URI that is no SPIFFE ID', { cn, uri: 'https://example.org' }, 'cn', cn],
    ['the first of several e-mail addresses', { email: ['b@x.org', 'a@x.org'] }, 'email', 'b@x.org'],
  ]
  for (const [title, options, kind, value] of principals) {
    it(`takes ${title}`, async () => {
      const identity = await identify(options)
      assert.deepEqual([identity.anchor, identity.kind, identity.value], ['company', kind, value])
    })
  }

  it('keeps every attribute that grants may match on', async () => {
    const identity = await identify({
      cn: 'ci',
      o: 'Example',
      ou: ['staff', 'publishers'],
      dns: ['a.x', 'b.x'],
    })
    assert.deepEqual(identity.commonNames, ['ci'])
    assert.deepEqual(identity.organizations, ['Example'])
    assert.deepEqual([...identity.organizationalUnits].sort(), ['publishers', 'staff'])
    assert.deepEqual(identity.dnsNames, ['a.x', 'b.x'])
    assert.match(identity.fingerprint, /^[0-9a-f]{64}$/)
    assert.match(identity.serial, /^[1-9a-f][0-9a-f]*$/)
    assert.ok(identity.notBefore < identity.notAfter)
  })

  it('does not let one name pretend to be two', async () => {
    const trick = 'a.example, DNS:admin.example'
    assert.deepEqual((await identify({ dns: trick })).dnsNames, [trick])
    const quotes = 'spiffe://x/"b\\c, URI:spiffe://y/admin'
    assert.deepEqual((await identify({ uri: quotes })).uris, [quotes])
    const commonName = 'a\nOU=administrators, OU=administrators'
    const identity = await identify({ cn: commonName })
    assert.deepEqual([identity.commonNames, identity.organizationalUnits], [[commonName], []])
  })

  it('refuses several URI names', async () => {
    await assert.rejects(identify({ cn, uri: ['spiffe://example.org/a', 'spiffe://example.org/b'] }), {
      code: 'peer-refused',
      message: /several URI names/,
    })
  })

  it('refuses a certificate that names nobody', async () => {
    await assert.rejects(identify({ o: 'Example' }), { code: 'peer-refused', message: /names nobody/ })
  })

  it('refuses names that it cannot read, rather than overlook one', async () => {
    // An X.400 address, which Node shows as `X400Name:<unsupported>`.
    const rawAltNames = Uint8Array.from([0x30, 2, 0xa3, 0])
    await assert.rejects(identify({ cn, rawAltNames }), {
      code: 'peer-refused',
      message: /subject alternative name that cannot be read/,
    })
  })

  it('reads other kinds of names without taking them for an identity', async () => {
    assert.equal((await identify({ cn, ip: '10.0.0.1' })).kind, 'cn')
  })
})
