import assert from 'node:assert/strict'
import { readPrivateKey, reformatKey } from 'openpgp'
import { parseDigest } from '../../../src/chart/digest.ts'
import { escapeText, renderClearSigned } from '../../../src/provenance/clear-signed.ts'
import { Keyring } from '../../../src/provenance/keyring.ts'
import { parseProvenance } from '../../../src/provenance/message.ts'
import { SigningKey } from '../../../src/provenance/signing-key.ts'
import { carriesSignaturesOf, requireKnownSigner, verifyProvenance } from '../../../src/provenance/verify.ts'
import { clearSign, keyringOf, makeKey, revoked, type ClearSignOptions } from '../../support/openpgp-keys.ts'

const HEX = 'ab'.repeat(32)
const DIGEST = parseDigest(HEX)
const MESSAGE = `name: demo\nversion: 1.2.3\n\n...\nfiles:\n  demo-1.2.3.tgz: sha256:${HEX}`
const SUBJECT = { filename: 'demo-1.2.3.tgz', digest: DIGEST }

const HOUR_MS = 3_600_000

describe('verifyProvenance', () => {
  let alice: string
  let bob: string
  let trusted: Keyring

  before(async () => {
    alice = await makeKey()
    bob = await makeKey()
    trusted = await keyringOf(alice)
  })

  async function verify(provenance: string, keyring = trusted) {
    return verifyProvenance({ ...SUBJECT, provenance, trusted: keyring })
  }

  it('names a known signer, and what was signed', async () => {
    const verified = await verify(await clearSign(MESSAGE, alice))
    const [fingerprint = ''] = trusted.fingerprints
    assert.deepEqual(verified.signers, [{ keyId: fingerprint.slice(-16), fingerprint, known: true }])
    assert.deepEqual([verified.name, verified.version], ['demo', '1.2.3'])
    requireKnownSigner(verified)
  })

  it('leaves an unknown signer to the caller', async () => {
    const verified = await verify(await clearSign(MESSAGE, bob))
    const keyId = (await keyringOf(bob)).fingerprints[0]?.slice(-16) ?? ''
    assert.deepEqual(verified.signers, [{ keyId, known: false }])
    const message = new RegExp(`not trusted here: ${keyId}`)
    assert.throws(
      () => {
        requireKnownSigner(verified)
      },
      { code: 'signer-unknown', message },
    )
  })

  it('takes one known signer among several as enough', async () => {
    const verified = await verify(await clearSign(MESSAGE, [bob, alice]))
    assert.deepEqual(
      verified.signers.map(({ known }) => known),
      [false, true],
    )
    requireKnownSigner(verified)
  })

  const accepted: Record<string, ClearSignOptions> = {
    'over binary data': { as: 'binary' },
    'with SHA-256': { hash: 'sha256' },
    'by a clock that is somewhat ahead': { date: new Date(Date.now() + 120_000) },
  }
  for (const [what, options] of Object.entries(accepted)) {
    it(`accepts a signature ${what}`, async () => {
      requireKnownSigner(await verify(await clearSign(MESSAGE, alice, options)))
    })
  }

  it('accepts trailing blanks and CRLF, which are not signed', async () => {
    const file = (await clearSign(MESSAGE, alice)).replaceAll('name: demo\n', 'name: demo \t\n')
    requireKnownSigner(await verify(file.replaceAll('\n', '\r\n')))
  })

  it('accepts an RSA key of 2048 bits and a signing subkey', async () => {
    for (const key of [await makeKey({ type: 'rsa' }), await makeKey({ subkeys: [{ sign: true }] })]) {
      requireKnownSigner(await verify(await clearSign(MESSAGE, key), await keyringOf(key)))
    }
  })

  it('accepts a signature that was made before its key expired', async () => {
    const date = new Date(Date.now() - 10 * HOUR_MS)
    const key = await makeKey({ date, lifetimeSeconds: 3600 })
    const file = await clearSign(MESSAGE, key, { date: new Date(date.getTime() + HOUR_MS / 2) })
    requireKnownSigner(await verify(file, await keyringOf(key)))
  })

  it('accepts a signature that is older than the present self-signature of its key', async () => {
    const date = new Date(Date.now() - 10 * HOUR_MS)
    const key = await makeKey({ date })
    const file = await clearSign(MESSAGE, key, { date: new Date(date.getTime() + HOUR_MS) })
    const { privateKey } = await reformatKey({
      privateKey: await readPrivateKey({ armoredKey: key }),
      userIDs: { name: 'Renamed' },
      format: 'armored',
    })
    requireKnownSigner(await verify(file, await keyringOf(privateKey)))
  })

  it('refuses a file about another archive', async () => {
    const provenance = await clearSign(MESSAGE, alice)
    const request = { provenance, trusted, digest: DIGEST, filename: 'other-1.0.0.tgz' }
    const message = /not about "other-1.0.0.tgz"/
    await assert.rejects(verifyProvenance(request), { code: 'provenance-invalid', message })
  })

  it('refuses a file about other content', async () => {
    const digest = parseDigest('cd'.repeat(32))
    const request = { ...SUBJECT, provenance: await clearSign(MESSAGE, alice), trusted, digest }
    await assert.rejects(verifyProvenance(request), {
      code: 'digest-mismatch',
      message: /sha256:abab.*, not cdcd/,
    })
  })

  it('refuses a text that was changed after it was signed', async () => {
    const file = (await clearSign(MESSAGE, alice)).replace('name: demo', 'name: demo2')
    await assert.rejects(verify(file), { code: 'signature-bad', message: /not over this text/ })
  })

  it('refuses a bad signature by a known key also behind a good one', async () => {
    const both = await keyringOf(alice, bob)
    const other = parseProvenance(await clearSign(`${MESSAGE}\n# other`, bob)).signatures
    const good = parseProvenance(await clearSign(MESSAGE, alice)).signatures
    const file = renderClearSigned(escapeText(MESSAGE), ['SHA512'], Buffer.concat([good, other]))
    await assert.rejects(verify(file, both), { code: 'signature-bad' })
    requireKnownSigner(await verify(file, trusted))
  })

  it("refuses one key's signature under another key's name", async () => {
    const { signatures } = parseProvenance(await clearSign(MESSAGE, bob))
    const [bobId, aliceId] = [await keyringOf(bob), trusted].map(({ fingerprints }) =>
      Buffer.from((fingerprints[0] ?? '').slice(-16), 'hex'),
    )
    assert.ok(bobId !== undefined && aliceId !== undefined)
    for (let at = signatures.indexOf(bobId); at >= 0; at = signatures.indexOf(bobId))
      aliceId.copy(signatures, at)
    const file = renderClearSigned(escapeText(MESSAGE), ['SHA512'], signatures)
    await assert.rejects(verify(file), { code: 'signature-bad' })
  })

  it('refuses SHA-1 by a known signer', async () => {
    const file = await clearSign(MESSAGE, alice, { hash: 'sha1' })
    const message = /hash is too weak/
    await assert.rejects(verify(file), { code: 'signature-bad', message })
    assert.equal((await verify(file, Keyring.empty())).signers[0]?.known, false)
  })

  const past = new Date(Date.now() - HOUR_MS / 2)
  const refused: [what: string, options: ClearSignOptions, message: RegExp][] = [
    ['from the future', { date: new Date(Date.now() + HOUR_MS) }, /dated in the future/],
    ['that has expired', { date: past, lifetimeSeconds: 60 }, /it has expired/],
    ['from before its key', { date: new Date(Date.now() - 2 * HOUR_MS) }, /the key did not exist/],
    ['with a critical notation', { criticalNotation: 'x@example.com' }, /demands something/],
  ]
  for (const [what, options, message] of refused) {
    it(`refuses a signature ${what}`, async () => {
      const file = await clearSign(MESSAGE, alice, options)
      await assert.rejects(verify(file), { code: 'signature-bad', message })
    })
  }

  it('refuses a signature that was made after its key had expired', async () => {
    const date = new Date(Date.now() - 10 * HOUR_MS)
    const lasting = await readPrivateKey({ armoredKey: await makeKey({ date }) })
    const { privateKey } = await reformatKey({
      privateKey: lasting,
      userIDs: { name: 'Test' },
      keyExpirationTime: 3600,
      date,
      format: 'armored',
    })
    const file = await clearSign(MESSAGE, lasting.armor())
    await assert.rejects(verify(file, await keyringOf(privateKey)), {
      code: 'signature-bad',
      message: /the key had expired/,
    })
  })

  for (const reason of ['superseded', 'compromised'] as const) {
    it(`refuses a signature by a key that was ${reason} later, as Helm does`, async () => {
      const key = await makeKey()
      const file = await clearSign(MESSAGE, key, { date: new Date(Date.now() - HOUR_MS / 2) })
      const keyring = await keyringOf(await revoked(key, reason))
      await assert.rejects(verify(file, keyring), { code: 'signature-bad', message: /the key is revoked/ })
    })
  }

  it('refuses a signature by a revoked subkey', async () => {
    const key = await readPrivateKey({ armoredKey: await makeKey({ subkeys: [{ sign: true }] }) })
    const file = await clearSign(MESSAGE, key.armor())
    const [subkey] = key.subkeys
    assert.ok(subkey !== undefined && 'decrypt' in key.keyPacket)
    key.subkeys = [await subkey.revoke(key.keyPacket)]
    const keyring = await keyringOf(key.armor())
    await assert.rejects(verify(file, keyring), { code: 'signature-bad', message: /the key is revoked/ })
  })

  it('refuses a short RSA key', async () => {
    const key = await makeKey({ type: 'rsa', rsaBits: 1024 })
    const file = await clearSign(MESSAGE, key)
    await assert.rejects(verify(file, await keyringOf(key)), {
      code: 'signature-bad',
      message: /key is too weak/,
    })
  })

  it('refuses more signatures than people make', async () => {
    const { signatures } = parseProvenance(await clearSign(MESSAGE, bob))
    const file = renderClearSigned(escapeText(MESSAGE), ['SHA512'], Buffer.concat(Array(17).fill(signatures)))
    await assert.rejects(verify(file), { code: 'provenance-invalid', message: /more than 16 signatures/ })
  })

  it('refuses packets that are no signature, or one that cannot be read', async () => {
    const literal = Buffer.from([0xcb, 0x06, 0x62, 0, 0, 0, 0, 0])
    const { signatures } = parseProvenance(await clearSign(MESSAGE, bob))
    const version9 = Buffer.from(signatures)
    version9.writeUInt8(9, version9.indexOf(4))
    for (const packets of [literal, Buffer.from([0xff]), version9]) {
      const file = renderClearSigned(escapeText(MESSAGE), ['SHA512'], packets)
      await assert.rejects(verify(file), { code: 'provenance-invalid', message: /signature/ })
    }
  })

  it('refuses a signature of another kind, and one that does not say who made it', async () => {
    const { signatures } = parseProvenance(await clearSign(MESSAGE, alice))
    const certification = Buffer.from(signatures)
    certification.writeUInt8(0x10, certification.indexOf(4) + 1)
    const file = renderClearSigned(escapeText(MESSAGE), ['SHA512'], certification)
    await assert.rejects(verify(file), { code: 'provenance-invalid', message: /not one of a document/ })

    const nobody = Buffer.from(signatures)
    const id = Buffer.from((trusted.fingerprints[0] ?? '').slice(-16), 'hex')
    for (let at = nobody.indexOf(id); at >= 0; at = nobody.indexOf(id)) nobody.fill(0, at, at + 8)
    const anonymous = renderClearSigned(escapeText(MESSAGE), ['SHA512'], nobody)
    await assert.rejects(verify(anonymous), { code: 'provenance-invalid', message: /which key made it/ })
  })
})

describe('carriesSignaturesOf', () => {
  it('finds the signatures of a file in its countersigned form, and not the other way round', async () => {
    const sent = await clearSign(MESSAGE, await makeKey())
    const stored = await (await SigningKey.open({ armored: await makeKey() })).countersign(sent)
    assert.equal(await carriesSignaturesOf(stored, sent.replaceAll('\n', '\r\n')), true)
    assert.equal(await carriesSignaturesOf(stored, stored), true)
    assert.equal(await carriesSignaturesOf(sent, stored), false)
  })

  it('tells other signatures and other texts apart', async () => {
    const key = await makeKey()
    const date = new Date(Date.now() - HOUR_MS / 2)
    const file = await clearSign(MESSAGE, key, { date })
    assert.equal(await carriesSignaturesOf(file, await clearSign(MESSAGE, key)), false)
    assert.equal(await carriesSignaturesOf(file, file.replace('name: demo', 'name: demo2')), false)
  })
})
