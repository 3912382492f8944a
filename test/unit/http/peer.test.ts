import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { type TLSSocket } from 'node:tls'
import { identifyPeer, judgeNow, readPeer, type Peer, type RevocationCheck } from '../../../src/http/peer.ts'
import { Peers } from '../../../src/http/peers.ts'
import { type TrustAnchor } from '../../../src/http/trust-anchor.ts'
import { TestCa } from '../../support/test-ca.ts'

interface SocketState {
  readonly present?: boolean
  readonly authorized?: boolean
  readonly reused?: boolean
  readonly error?: string
}

/** A connection as Node would describe it. Some of these states Node should never produce: that is why we look. */
function socket(certificate: X509Certificate, state: SocketState = {}): TLSSocket & { destroyed: boolean } {
  const { present = true, authorized = true, reused = false, error } = state
  return Object.assign(new EventEmitter(), {
    authorized,
    authorizationError: error,
    destroyed: false,
    isSessionReused: () => reused,
    getPeerX509Certificate: () => (present ? certificate : undefined),
    destroy(this: { destroyed: boolean }) {
      this.destroyed = true
    },
  }) as unknown as TLSSocket & { destroyed: boolean }
}

function anchor(name: string, ...authorities: readonly TestCa[]): TrustAnchor {
  return { name, certificates: authorities.map(({ certificatePem }) => new X509Certificate(certificatePem)) }
}

const GOOD: RevocationCheck = { stateOf: () => 'good' }

function daysFromNow(days: number): Date {
  return new Date(Date.now() + days * 86_400_000)
}

function refusalOf(peer: Peer): string {
  return peer.verified ? 'none' : peer.refusal
}

describe('readPeer', () => {
  let ca: TestCa
  let certificate: X509Certificate

  before(async () => {
    ca = await TestCa.create()
    certificate = new X509Certificate((await ca.client({ cn: 'reader' })).cert)
  })

  function read(state: SocketState): Peer {
    return readPeer(socket(certificate, state), (shown) =>
      identifyPeer(shown, { anchor: anchor('company', ca) }),
    )
  }

  it('takes a certificate that TLS has verified', () => {
    const peer = read({})
    assert.ok(peer.verified)
    assert.deepEqual([peer.identity.anchor, peer.identity.value], ['company', 'reader'])
  })

  const refused: readonly (readonly [string, SocketState, string])[] = [
    ['no certificate, whatever Node says', { present: false }, 'no-certificate'],
    ['a resumed session, whatever Node says', { reused: true }, 'session-resumed'],
    ['what TLS did not verify', { authorized: false, error: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'untrusted'],
    ['an expired certificate', { authorized: false, error: 'CERT_HAS_EXPIRED' }, 'expired'],
    ['a certificate of tomorrow', { authorized: false, error: 'CERT_NOT_YET_VALID' }, 'not-yet-valid'],
    ['a certificate for something else', { authorized: false, error: 'INVALID_PURPOSE' }, 'wrong-purpose'],
  ]
  for (const [what, state, refusal] of refused) {
    it(`refuses ${what}`, () => {
      assert.equal(refusalOf(read(state)), refusal)
    })
  }

  it('refuses a certificate that chains to no configured trust anchor', () => {
    const peers = new Peers([], { revocations: GOOD, now: () => new Date() })
    assert.equal(refusalOf(peers.of(socket(certificate))), 'untrusted')
  })
})

describe('judgeNow', () => {
  let peer: Peer

  before(async () => {
    const ca = await TestCa.create()
    const certificate = new X509Certificate((await ca.client({ days: 1 })).cert)
    peer = readPeer(socket(certificate), (shown) => identifyPeer(shown, { anchor: anchor('x', ca) }))
  })

  it('refuses a certificate that has expired since the connection was opened', () => {
    assert.equal(judgeNow(peer, GOOD, daysFromNow(0)).verified, true)
    assert.equal(refusalOf(judgeNow(peer, GOOD, daysFromNow(2))), 'expired')
    assert.equal(refusalOf(judgeNow(peer, GOOD, daysFromNow(-2))), 'not-yet-valid')
  })

  it('refuses one that has been revoked since, and says when', () => {
    const revokedAt = new Date('2026-03-04T05:06:07Z')
    const judged = judgeNow(peer, { stateOf: () => ({ revokedAt }) }, daysFromNow(0))
    assert.ok(!judged.verified)
    assert.deepEqual(
      [judged.refusal, judged.text],
      ['revoked', 'your client certificate was revoked on 2026-03-04'],
    )
  })

  it('refuses one whose revocation nobody can tell', () => {
    assert.equal(
      refusalOf(judgeNow(peer, { stateOf: () => 'unknown' }, daysFromNow(0))),
      'revocation-unknown',
    )
  })
})

describe('Peers', () => {
  let ca: TestCa
  let other: TestCa
  let direct: X509Certificate
  let hidden: X509Certificate

  before(async () => {
    ca = await TestCa.create({ name: 'Same name' })
    other = await TestCa.create({ name: 'Same name' })
    direct = new X509Certificate((await ca.client({ cn: 'direct' })).cert)
    // Parsed from its PEM, a leaf shows no issuer: as on the Node releases that hide what a peer sent.
    hidden = new X509Certificate((await (await ca.intermediate('Issuing')).client({ cn: 'hidden' })).cert)
  })

  function peersWith(now = () => new Date()): { peers: Peers; revoked: Set<string> } {
    const revoked = new Set<string>()
    const revocations: RevocationCheck = {
      stateOf: ({ identity }) => (revoked.has(identity.value) ? { revokedAt: new Date() } : 'good'),
    }
    return { peers: new Peers([anchor('company', ca)], { revocations, now }), revoked }
  }

  it('infers the only trust anchor for a leaf whose intermediates are hidden, and none of several', () => {
    assert.equal(peersWith().peers.of(socket(hidden)).verified, true)
    const several = new Peers([anchor('a', ca), anchor('b', other)], {
      revocations: GOOD,
      now: () => new Date(),
    })
    assert.equal(refusalOf(several.of(socket(hidden))), 'untrusted')
    assert.equal(several.of(socket(direct)).verified, true)
  })

  it('keeps connections when a trust anchor is added', () => {
    const { peers } = peersWith()
    const [one, two] = [socket(direct), socket(hidden)]
    assert.deepEqual([peers.of(one).verified, peers.of(two).verified], [true, true])
    peers.trust([anchor('company', ca, other)])
    assert.deepEqual([one.destroyed, two.destroyed], [false, false])
  })

  it('ends the connections of a trust anchor that was taken away, and of those of whom it cannot be told', () => {
    const { peers } = peersWith()
    const [one, two] = [socket(direct), socket(hidden)]
    peers.of(one)
    peers.of(two)
    peers.trust([anchor('company', other)])
    assert.deepEqual([one.destroyed, two.destroyed], [true, true])
  })

  it('infers nothing from a handshake that may be older than the trust anchors', () => {
    let time = Date.now()
    const { peers } = peersWith(() => new Date(time))
    peers.trust([anchor('company', other)])
    assert.equal(refusalOf(peers.of(socket(hidden))), 'untrusted')
    time += 11_000
    assert.equal(peers.of(socket(hidden)).verified, true)
  })

  it('ends the connections of those who are refused now, and leaves the others alone', () => {
    const { peers, revoked } = peersWith()
    const [one, two] = [socket(direct), socket(hidden)]
    peers.of(one)
    peers.of(two)
    revoked.add('direct')
    peers.dismissRefused()
    assert.deepEqual([one.destroyed, two.destroyed], [true, false])
    assert.equal(refusalOf(peers.of(one)), 'revoked')
  })

  it('forgets a connection that has ended', () => {
    const { peers, revoked } = peersWith()
    const ended = socket(direct)
    peers.of(ended)
    ended.emit('close')
    revoked.add('direct')
    peers.dismissRefused()
    assert.equal(ended.destroyed, false)
  })
})
