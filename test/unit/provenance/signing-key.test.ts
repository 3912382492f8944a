import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { readPrivateKey, readSignature } from 'openpgp'
import { unarmor } from '../../../src/provenance/armor.ts'
import { CLOCK_SKEW_MS } from '../../../src/provenance/clock-skew.ts'
import { generateSigningKey } from '../../../src/provenance/generate-signing-key.ts'
import { parseProvenance } from '../../../src/provenance/message.ts'
import { SigningKey } from '../../../src/provenance/signing-key.ts'
import { clearSign, keyringOf, makeKey, publicArmored, revoked } from '../../support/openpgp-keys.ts'

const HEX = 'ab'.repeat(32)
const MESSAGE = `keywords:\n- a\nname: demo\nversion: 1.2.3\n\n...\nfiles:\n  demo-1.2.3.tgz: sha256:${HEX}`

const HOUR_MS = 3_600_000

async function signaturesOf(file: string) {
  const { packets } = await readSignature({ binarySignature: parseProvenance(file).signatures })
  return [...packets].map((packet) => ({
    keyId: packet.issuerKeyID.toHex().toUpperCase(),
    created: packet.created,
    packet,
  }))
}

describe('SigningKey', () => {
  let armored: string
  let publisher: string
  let signingKey: SigningKey

  before(async () => {
    armored = await makeKey()
    publisher = await makeKey()
    signingKey = await SigningKey.open({ armored })
  })

  describe('open', () => {
    it('knows its fingerprint, its public key and that it does not expire', async () => {
      const keyring = await keyringOf(armored)
      assert.deepEqual([signingKey.fingerprint], keyring.fingerprints)
      assert.deepEqual(signingKey.publicKeyring.toBinary(), keyring.toBinary())
      assert.equal(signingKey.expiresAt, undefined)
    })

    it('opens a key with its passphrase', async () => {
      const locked = await makeKey({ passphrase: 'correct horse' })
      const opened = await SigningKey.open({ armored: locked, passphrase: 'correct horse' })
      assert.equal(parseProvenance(await opened.sign(MESSAGE)).text, MESSAGE)
    })

    it('takes a passphrase that is not needed', async () => {
      assert.equal((await SigningKey.open({ armored, passphrase: 'x' })).fingerprint, signingKey.fingerprint)
    })

    it('says when the key or its signing subkey expires', async () => {
      const date = new Date(Math.floor(Date.now() / 1000 - 60) * 1000)
      const expiring = await makeKey({ date, lifetimeSeconds: 7200 })
      assert.deepEqual(
        (await SigningKey.open({ armored: expiring })).expiresAt,
        new Date(date.getTime() + 7_200_000),
      )

      const subkeys = [{ type: 'ecc', curve: 'nistP256', sign: true, keyExpirationTime: 3600 } as const]
      const withSubkey = await makeKey({ date, lifetimeSeconds: 7200, subkeys })
      assert.deepEqual(
        (await SigningKey.open({ armored: withSubkey })).expiresAt,
        new Date(date.getTime() + 3_600_000),
      )
    })

    it('signs with RSA and with every NIST curve, and with a subkey of such a kind', async () => {
      for (const options of [
        { type: 'rsa' },
        { curve: 'nistP521' },
        { subkeys: [{ type: 'ecc', curve: 'nistP256', sign: true }] },
      ] as const) {
        const key = await SigningKey.open({
          armored: await makeKey({ ...options, subkeys: [...(options.subkeys ?? [])] }),
        })
        assert.equal(parseProvenance(await key.sign(MESSAGE)).text, MESSAGE)
      }
    })

    const past = new Date(Date.now() - 10 * HOUR_MS)
    const refused: [what: string, make: () => Promise<string>, message: RegExp][] = [
      ['no key', () => Promise.resolve('hello'), /not an armored private key/],
      ['a public key', async () => publicArmored(await makeKey()), /not an armored private key/],
      ['a damaged key', async () => (await makeKey()).replace(/\n\r?\n.{20}/, '\n\nAAAA'), /cannot be read/],
      ['two keys', async () => `${await makeKey()}\n${await makeKey()}`, /must be one key/],
      ['a locked key without a passphrase', () => makeKey({ passphrase: 'x' }), /none is configured/],
      [
        'an expired key',
        () => makeKey({ date: past, lifetimeSeconds: 60 }),
        /has expired on .*quick-set-expire/,
      ],
      ['a superseded key', async () => revoked(await makeKey(), 'superseded'), /is revoked/],
      ['a compromised key', async () => revoked(await makeKey(), 'compromised'), /is revoked/],
      ['a key of tomorrow', () => makeKey({ date: new Date(Date.now() + 24 * HOUR_MS) }), /cannot sign/],
      ['an Ed25519 key', () => makeKey({ type: 'curve25519' }), /ed25519, which Helm 3 cannot read: RSA/],
      [
        'an old Ed25519 key',
        () => makeKey({ curve: 'ed25519Legacy' }),
        /ed25519Legacy, which Helm 3 cannot read/,
      ],
      [
        'an Ed25519 subkey',
        () => makeKey({ subkeys: [{ type: 'ecc', curve: 'ed25519Legacy', sign: true }] }),
        /ed25519Legacy, which Helm 3 cannot read/,
      ],
      ['a version 6 key', () => makeKey({ version: 6 }), /version 6, which Helm 3 cannot read/],
      ['a short RSA key', () => makeKey({ type: 'rsa', rsaBits: 1024 }), /cannot sign.*2047 bits/],
      ['a key without its secret part', withoutSecret, /stub without its secret part/],
      ['an RSA key whose parts do not belong together', () => withForeignSecret('rsa'), /is damaged/],
      ['a P-256 key whose parts do not belong together', () => withForeignSecret('ecc'), /cannot sign/],
    ]
    for (const [what, make, message] of refused) {
      it(`refuses ${what}`, async () => {
        await assert.rejects(SigningKey.open({ armored: await make() }), { code: 'key-unusable', message })
      })
    }

    async function withoutSecret(): Promise<string> {
      const key = await readPrivateKey({ armoredKey: await makeKey() })
      if ('makeDummy' in key.keyPacket) key.keyPacket.makeDummy()
      return key.armor()
    }

    async function withForeignSecret(type: 'rsa' | 'ecc'): Promise<string> {
      const key = await readPrivateKey({ armoredKey: await makeKey({ type }) })
      const other = await readPrivateKey({ armoredKey: await makeKey({ type }) })
      Object.assign(key.keyPacket, {
        privateParams: Object(Reflect.get(other.keyPacket, 'privateParams')) as object,
      })
      return key.armor()
    }

    it('refuses a wrong passphrase, and shows neither it nor the key', async () => {
      const locked = await makeKey({ passphrase: 'right' })
      const error: unknown = await SigningKey.open({ armored: locked, passphrase: 'hunter2' }).catch(
        (e: unknown) => e,
      )
      const shown = inspect(error, { depth: 9, showHidden: true })
      assert.match(shown, /does not open with the configured passphrase/)
      assert.doesNotMatch(shown, /hunter2|BEGIN PGP/)
    })
  })

  it('shows no secret to inspect and JSON', () => {
    const shown = inspect({ signingKey }, { depth: 20, showHidden: true })
    assert.match(shown, new RegExp(`SigningKey ${signingKey.fingerprint}`))
    assert.doesNotMatch(shown, /private|secret|Uint8Array|BEGIN/i)
    assert.doesNotMatch(JSON.stringify(signingKey), /private|secret|BEGIN/i)
  })

  describe('sign', () => {
    it('makes the file that Helm makes', async () => {
      const file = await signingKey.sign(MESSAGE)
      assert.ok(
        file.startsWith('-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nkeywords:\n- - a\nname: demo\n'),
      )
      assert.match(file, /\n=[A-Za-z0-9+/]{4}\n-----END PGP SIGNATURE-----$/)
      assert.doesNotMatch(file, /\r/)
      const { text, signatures } = parseProvenance(file)
      assert.equal(text, MESSAGE)
      assert.deepEqual(unarmor(file.slice(file.indexOf('-----BEGIN PGP SIGNATURE')).split('\n')), signatures)
    })

    it('dates the signature back, for clients whose clock is behind', async () => {
      const now = new Date('2026-11-21T12:00:00Z')
      const old = await makeKey({ date: new Date('2020-01-01') })
      const file = await (await SigningKey.open({ armored: old, now: () => now })).sign(MESSAGE)
      assert.deepEqual((await signaturesOf(file))[0]?.created, new Date(now.getTime() - CLOCK_SKEW_MS))
    })

    it('dates no signature before the key or its signing subkey was made', async () => {
      const created = new Date('2026-11-21T11:59:00Z')
      const now = (): Date => new Date('2026-11-21T12:00:00Z')
      const young = await makeKey({ date: created })
      const file = await (await SigningKey.open({ armored: young, now })).sign(MESSAGE)
      assert.deepEqual((await signaturesOf(file))[0]?.created, created)

      const primary = await readPrivateKey({ armoredKey: await makeKey({ date: new Date('2020-01-01') }) })
      const extended = await primary.addSubkey({ type: 'ecc', curve: 'nistP256', sign: true, date: created })
      const signed = await (await SigningKey.open({ armored: extended.armor(), now })).sign(MESSAGE)
      assert.deepEqual((await signaturesOf(signed))[0]?.created, created)
    })
  })

  it('cannot sign any more once it has expired', async () => {
    const date = new Date(Date.now() - HOUR_MS)
    const clock = { now: new Date() }
    const expiring = await makeKey({ date, lifetimeSeconds: 7200 })
    const key = await SigningKey.open({ armored: expiring, now: () => clock.now })
    await key.sign(MESSAGE)
    clock.now = new Date(date.getTime() + 3 * HOUR_MS)
    await assert.rejects(key.sign(MESSAGE), { code: 'key-unusable', message: /cannot sign.*expired/ })
  })

  it('hands out its public key without what others have certified', async () => {
    const key = await readPrivateKey({ armoredKey: armored })
    const other = await readPrivateKey({ armoredKey: await makeKey({ type: 'curve25519' }) })
    const certified = await SigningKey.open({ armored: (await key.signAllUsers([other])).armor() })
    assert.deepEqual(certified.publicKeyring.toBinary(), signingKey.publicKeyring.toBinary())
  })

  describe('resign', () => {
    let old: SigningKey

    before(async () => {
      old = await SigningKey.open({ armored: await makeKey() })
    })

    it('puts its signature in place of a retired key’s, over the same text', async () => {
      const signed = await old.sign(MESSAGE)
      const file = await signingKey.resign(signed, old.publicKeyring.keyIds)
      assert.equal(parseProvenance(file).escapedText, parseProvenance(signed).escapedText)
      assert.deepEqual(await signersOf(file), [signingKey.fingerprint.slice(-16)])
    })

    it('keeps publishers’ signatures behind its own, byte for byte', async () => {
      const sent = await clearSign(MESSAGE, publisher, { hash: 'sha256' })
      const file = await signingKey.resign(await old.countersign(sent), old.publicKeyring.keyIds)
      const [, theirs, ...others] = await signaturesOf(file)
      assert.deepEqual(theirs?.packet.write(), (await signaturesOf(sent))[0]?.packet.write())
      assert.deepEqual(others, [])
      assert.match(file, /^.*\nHash: SHA512, SHA256\n\n/)
    })

    it('changes nothing the second time', async () => {
      const once = await signingKey.resign(await old.sign(MESSAGE), old.publicKeyring.keyIds)
      assert.equal(await signingKey.resign(once, old.publicKeyring.keyIds), once)
    })

    async function signersOf(file: string): Promise<readonly string[]> {
      return (await signaturesOf(file)).map(({ keyId }) => keyId)
    }
  })

  describe('countersign', () => {
    const variants: Record<string, (file: string) => string> = {
      'a plain file': (file) => file,
      'a CRLF file': (file) => file.replaceAll('\n', '\r\n'),
      'a file with words around it': (file) => `see below\n${file}\nregards`,
      'a file with trailing blanks': (file) => file.replace('name: demo', 'name: demo \t'),
    }
    for (const [what, vary] of Object.entries(variants)) {
      it(`puts the signature in front of the publisher's on ${what}, over the same text`, async () => {
        const sent = vary(await clearSign(`${MESSAGE}\n# ünï 漢字`, publisher))
        const file = await signingKey.countersign(sent)
        const [ours, theirs] = [await signaturesOf(file), await signaturesOf(sent)]
        assert.equal(parseProvenance(file).escapedText, parseProvenance(sent).escapedText)
        assert.equal(ours.length, 2)
        assert.ok(signingKey.fingerprint.endsWith(ours[0]?.keyId ?? 'none'))
        assert.deepEqual(ours[1]?.packet.write(), theirs[0]?.packet.write())
      })
    }

    it('lists every hash that was used', async () => {
      const sent = await clearSign(MESSAGE, publisher, { hash: 'sha256' })
      assert.match(await signingKey.countersign(sent), /^.*\nHash: SHA512, SHA256\n\n/)
    })

    it('changes nothing the second time', async () => {
      const once = await signingKey.countersign(await clearSign(MESSAGE, publisher))
      assert.equal(await signingKey.countersign(once), once)
      const own = await signingKey.sign(MESSAGE)
      assert.equal(await signingKey.countersign(Buffer.from(own)), own)
    })

    it('moves its own signature to the front', async () => {
      const file = await signingKey.countersign(await clearSign(MESSAGE, [publisher, armored]))
      const ids = (await signaturesOf(file)).map(({ keyId }) => signingKey.fingerprint.endsWith(keyId))
      assert.deepEqual(ids, [true, false])
    })

    it('refuses a forged signature of its own', async () => {
      const other = await signingKey.sign(`${MESSAGE}\n# other`)
      const forged = other.replace('\n# other', '')
      await assert.rejects(signingKey.countersign(forged), {
        code: 'signature-bad',
        message: /does not hold/,
      })
    })

    it('refuses a file that has no room for one more signature', async () => {
      const sent = await clearSign(MESSAGE, Array<string>(16).fill(publisher))
      const message = /more than 16 signatures/
      await assert.rejects(signingKey.countersign(sent), { code: 'provenance-invalid', message })
    })

    it('refuses what is no provenance file', async () => {
      await assert.rejects(signingKey.countersign('hello'), { code: 'provenance-invalid' })
    })
  })
})

describe('generateSigningKey', () => {
  it('makes an RSA key that is dated back and can sign at once', async () => {
    const now = new Date('2026-11-21T12:00:00Z')
    const armored = await generateSigningKey({ userId: 'Charts <charts@example.com>', passphrase: 'x', now })
    const key = await readPrivateKey({ armoredKey: armored })
    assert.deepEqual(key.getAlgorithmInfo(), { algorithm: 'rsaEncryptSign', bits: 3072 })
    assert.deepEqual(key.getCreationTime(), new Date(now.getTime() - CLOCK_SKEW_MS))
    assert.equal(await key.getExpirationTime(), Infinity)
    assert.deepEqual(key.getUserIDs(), ['Charts <charts@example.com>'])
    assert.deepEqual(key.subkeys, [])
    assert.equal(key.isDecrypted(), false)
    await (await SigningKey.open({ armored, passphrase: 'x', now: () => now })).sign(MESSAGE)
  })
})
