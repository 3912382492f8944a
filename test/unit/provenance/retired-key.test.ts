import assert from 'node:assert/strict'
import { readPrivateKey, readSignature } from 'openpgp'
import { CLOCK_SKEW_MS } from '../../../src/provenance/clock-skew.ts'
import { makeRevocationCertificate, readPublicPart } from '../../../src/provenance/retired-key.ts'
import { unarmor } from '../../../src/provenance/armor.ts'
import { keyringOf, makeKey, publicArmored, revoked } from '../../support/openpgp-keys.ts'

const HOUR_MS = 3_600_000
/** Keys made by a test are older than this, revocations made by it are not. */
const NOW = new Date()

describe('readPublicPart', () => {
  it('needs no passphrase', async () => {
    const armored = await makeKey({ passphrase: 'x' })
    const { keyring, description } = await readPublicPart(armored, NOW)
    assert.deepEqual(keyring.toBinary(), (await keyringOf(armored)).toBinary())
    assert.equal(description.fingerprint, keyring.fingerprints[0])
    assert.deepEqual(description.userIds, ['Test Publisher <publisher@example.com>'])
    assert.deepEqual(
      [description.algorithm, description.expiresAt, description.state],
      ['nistP256', undefined, 'valid'],
    )
  })

  it('reads keys that can sign no more', async () => {
    const date = new Date(Math.floor(NOW.getTime() / 1000) * 1000 - 2 * HOUR_MS)
    const expired = (await readPublicPart(await makeKey({ date, lifetimeSeconds: 3600 }), NOW)).description
    assert.deepEqual(
      [expired.state, expired.createdAt, expired.expiresAt],
      ['expired', date, new Date(date.getTime() + HOUR_MS)],
    )
    const superseded = await readPublicPart(await revoked(await makeKey(), 'superseded'), new Date())
    assert.equal(superseded.description.state, 'revoked')
  })

  it('says how long an RSA key is', async () => {
    const { description } = await readPublicPart(await makeKey({ type: 'rsa' }), NOW)
    assert.equal(description.algorithm, 'RSA 2048')
  })

  it('refuses what is no private key', async () => {
    await assert.rejects(readPublicPart(await publicArmored(await makeKey()), NOW), {
      code: 'key-unusable',
      message: /is not an armored private key/,
    })
  })
})

describe('makeRevocationCertificate', () => {
  async function revocationIn(certificate: string) {
    const bytes = unarmor(certificate.trim().split(/\r?\n/)) ?? Buffer.alloc(0)
    const [packet] = (await readSignature({ binarySignature: bytes })).packets
    return { reason: packet?.reasonForRevocationFlag, created: packet?.created?.getTime() }
  }

  for (const [reason, flag] of [
    ['superseded', 1],
    ['compromised', 2],
  ] as const) {
    it(`makes one that says ${reason}, dated back for clients whose clock is behind`, async () => {
      const armored = await makeKey({ date: new Date('2020-01-01') })
      const certificate = await makeRevocationCertificate({ armored }, reason, NOW)
      const { reason: said, created } = await revocationIn(certificate)
      assert.equal(said, flag)
      assert.equal(created, Math.floor((NOW.getTime() - CLOCK_SKEW_MS) / 1000) * 1000)
    })
  }

  it('is not dated before the key', async () => {
    const date = new Date(Math.floor(NOW.getTime() / 1000) * 1000 - 1000)
    const armored = await makeKey({ date })
    const { created } = await revocationIn(await makeRevocationCertificate({ armored }, 'compromised', NOW))
    assert.equal(created, date.getTime())
  })

  it('revokes a key that has expired, and one that needs a passphrase', async () => {
    const expired = await makeKey({ date: new Date('2020-01-01'), lifetimeSeconds: 3600 })
    const locked = await makeKey({ passphrase: 'x' })
    for (const armored of [expired, locked]) {
      const certificate = await makeRevocationCertificate({ armored, passphrase: 'x' }, 'compromised', NOW)
      const ring = await (await keyringOf(armored)).revoke(certificate, NOW)
      assert.deepEqual(
        (await ring.describe(NOW)).map(({ state }) => state),
        ['revoked'],
      )
    }
  })

  it('refuses a key whose parts do not belong together', async () => {
    const key = await readPrivateKey({ armoredKey: await makeKey() })
    const other = await readPrivateKey({ armoredKey: await makeKey() })
    Object.assign(key.keyPacket, {
      privateParams: Object(Reflect.get(other.keyPacket, 'privateParams')) as object,
    })
    await assert.rejects(makeRevocationCertificate({ armored: key.armor() }, 'compromised', NOW), {
      code: 'key-unusable',
      message: /cannot be revoked/,
    })
  })

  it('refuses a locked key without its passphrase', async () => {
    const armored = await makeKey({ passphrase: 'x' })
    await assert.rejects(makeRevocationCertificate({ armored }, 'compromised', NOW), {
      code: 'key-unusable',
      message: /passphrase, and none is configured/,
    })
  })
})
