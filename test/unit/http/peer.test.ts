import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { type TLSSocket } from 'node:tls'
import { judgeNow, readPeer, type Peer } from '../../../src/http/peer.ts'
import { TestCa } from '../../support/test-ca.ts'

describe('readPeer', () => {
  let ca: TestCa
  let certificate: X509Certificate

  before(async () => {
    ca = await TestCa.create()
    certificate = new X509Certificate((await ca.client({ cn: 'reader' })).cert)
  })

  /** A connection as Node would describe it. Some of these states Node should never produce: that is why we look. */
  function socket(state: {
    present?: boolean
    authorized?: boolean
    reused?: boolean
    error?: string
  }): TLSSocket {
    const { present = true, authorized = true, reused = false, error } = state
    return {
      authorized,
      authorizationError: error,
      isSessionReused: () => reused,
      getPeerX509Certificate: () => (present ? certificate : undefined),
    } as unknown as TLSSocket
  }

  function read(state: Parameters<typeof socket>[0]): Peer {
    return readPeer(socket(state), [
      { name: 'company', certificates: [new X509Certificate(ca.certificatePem)] },
    ])
  }

  it('takes a certificate that TLS has verified', () => {
    const peer = read({})
    assert.ok(peer.verified)
    assert.deepEqual([peer.identity.anchor, peer.identity.value], ['company', 'reader'])
  })

  const refused: readonly (readonly [string, Parameters<typeof socket>[0], string])[] = [
    ['no certificate, whatever Node says', { present: false }, 'no-certificate'],
    ['a resumed session, whatever Node says', { reused: true }, 'session-resumed'],
    [
      'a certificate that TLS did not verify',
      { authorized: false, error: 'SELF_SIGNED_CERT_IN_CHAIN' },
      'untrusted',
    ],
    ['an expired certificate', { authorized: false, error: 'CERT_HAS_EXPIRED' }, 'expired'],
    ['a certificate of tomorrow', { authorized: false, error: 'CERT_NOT_YET_VALID' }, 'not-yet-valid'],
    ['a certificate for something else', { authorized: false, error: 'INVALID_PURPOSE' }, 'wrong-purpose'],
  ]
  for (const [what, state, refusal] of refused) {
    it(`refuses ${what}`, () => {
      assert.deepEqual(read(state), { verified: false, refusal })
    })
  }

  it('refuses a certificate that chains to no configured trust anchor', async () => {
    const namesake = await TestCa.create()
    const certificates = [new X509Certificate(namesake.certificatePem)]
    const anchors = ['one', 'two'].map((name) => ({ name, certificates }))
    assert.deepEqual(readPeer(socket({}), anchors), { verified: false, refusal: 'untrusted' })
  })
})

describe('judgeNow', () => {
  it('refuses a certificate that has expired since the connection was opened', async () => {
    const ca = await TestCa.create()
    const { cert } = await ca.client({ days: 1 })
    const certificate = new X509Certificate(cert)
    const connection = {
      authorized: true,
      isSessionReused: () => false,
      getPeerX509Certificate: () => certificate,
    } as unknown as TLSSocket
    const peer = readPeer(connection, [{ name: 'x', certificates: [new X509Certificate(ca.certificatePem)] }])
    const at = (days: number): Date => new Date(Date.now() + days * 86_400_000)
    assert.equal(judgeNow(peer, at(0)).verified, true)
    assert.deepEqual(judgeNow(peer, at(2)), { verified: false, refusal: 'expired' })
    assert.deepEqual(judgeNow(peer, at(-2)), { verified: false, refusal: 'not-yet-valid' })
  })
})
