import assert from 'node:assert/strict'
import { generateKey, readKey, readKeys, readPrivateKey } from 'openpgp'
import { Keyring } from '../../../src/provenance/keyring.ts'
import { makeRevocationCertificate } from '../../../src/provenance/retired-key.ts'
import { keyringOf, makeKey, publicArmored, revoked } from '../../support/openpgp-keys.ts'

describe('Keyring', () => {
  let p256: string
  let p521: string
  let ed25519: string

  before(async () => {
    p256 = await makeKey()
    p521 = await makeKey({ curve: 'nistP521' })
    ed25519 = await makeKey({ type: 'curve25519' })
  })

  async function fingerprint(armored: string): Promise<string> {
    return (await readPrivateKey({ armoredKey: armored })).getFingerprint().toUpperCase()
  }

  async function publicBinary(armored: string): Promise<Buffer> {
    return Buffer.from((await readPrivateKey({ armoredKey: armored })).toPublic().write())
  }

  describe('parse', () => {
    it('reads one armored key', async () => {
      const keyring = await Keyring.parse(Buffer.from(await publicArmored(p256)))
      assert.deepEqual(keyring.fingerprints, [await fingerprint(p256)])
      assert.match(keyring.fingerprints[0] ?? '', /^[0-9A-F]{40}$/)
    })

    it('reads several blocks in a row, with words between them and CRLF line ends', async () => {
      const text = `ours:\n${await publicArmored(p256)}\ntheirs:\n${await publicArmored(p521)}`
      const keyring = await Keyring.parse(Buffer.from(text.replace(/\r?\n/g, '\r\n')))
      assert.deepEqual(keyring.fingerprints, [await fingerprint(p256), await fingerprint(p521)])
    })

    it('reads a binary stream of several keys', async () => {
      const bytes = Buffer.concat([await publicBinary(p256), await publicBinary(ed25519)])
      const keyring = await Keyring.parse(bytes)
      assert.deepEqual(keyring.fingerprints, [await fingerprint(p256), await fingerprint(ed25519)])
    })

    it('refuses a secret key, armored or binary, also behind a public one', async () => {
      const binary = Buffer.from((await readPrivateKey({ armoredKey: p256 })).write())
      for (const secret of [
        Buffer.from(p256),
        Buffer.from(`${await publicArmored(p521)}\n${p256}`),
        binary,
        Buffer.concat([await publicBinary(p521), binary]),
      ]) {
        await assert.rejects(Keyring.parse(secret), { code: 'key-unusable', message: /holds a secret key/ })
      }
    })

    it('refuses a key that it would have to leave out', async () => {
      const unknown = await publicBinary(p256)
      const algorithm = unknown.indexOf(19)
      unknown.writeUInt8(99, algorithm)
      const bytes = Buffer.concat([await publicBinary(p521), unknown])
      await assert.rejects(Keyring.parse(bytes), {
        code: 'key-unusable',
        message: /of a kind that cannot be used/,
      })
    })

    const keybox = Buffer.concat([
      Buffer.from('000000200101000', 'hex'),
      Buffer.from([2]),
      Buffer.from('KBXf'),
    ])
    const refused: [what: string, bytes: () => Promise<Buffer> | Buffer, message: RegExp][] = [
      ['an empty file', () => Buffer.alloc(0), /holds no OpenPGP key/],
      ['some text', () => Buffer.from('hello'), /holds no OpenPGP key/],
      ['a keybox', () => keybox, /keybox/],
      ['a truncated stream', async () => (await publicBinary(p256)).subarray(0, -1), /is damaged/],
      ['a stream of no known length', () => Buffer.from([0x9b, 1, 2, 3]), /is damaged/],
      ['a partial packet', () => Buffer.from([0xc6, 0xe1, 1, 2]), /is damaged/],
      ['packets that are no key', () => Buffer.from([0xcd, 1, 0x61]), /damaged one/],
      [
        'a damaged block',
        async () => Buffer.from((await publicArmored(p256)).replace(/\n\r?\n/, '\n')),
        /damaged/,
      ],
    ]
    for (const [what, bytes, message] of refused) {
      it(`refuses ${what}`, async () => {
        await assert.rejects(Keyring.parse(await bytes()), { code: 'key-unusable', message })
      })
    }
  })

  describe('merge', () => {
    it('has the keys of both, each once, its own first', async () => {
      const merged = (await keyringOf(p256, p521)).merge(await keyringOf(ed25519, p256))
      assert.deepEqual(merged.fingerprints, [
        await fingerprint(p256),
        await fingerprint(p521),
        await fingerprint(ed25519),
      ])
      assert.deepEqual(Keyring.empty().merge(merged).fingerprints, merged.fingerprints)
    })
  })

  describe('combine', () => {
    it('has the keys of both, and of a key in both what either knows of it', async () => {
      const locally = await keyringOf(await revoked(p256, 'compromised'), p521)
      for (const [one, other] of [
        [locally, await keyringOf(p256, ed25519)],
        [await keyringOf(p256, ed25519), locally],
      ] as const) {
        const combined = await one.combine(other)
        assert.deepEqual(
          [...combined.fingerprints].sort(),
          (await Promise.all([p256, p521, ed25519].map(fingerprint))).sort(),
        )
        const states = await combined.only(await keyringOf(p256)).describe(new Date())
        assert.deepEqual(
          states.map(({ state }) => state),
          ['revoked'],
        )
      }
    })
  })

  describe('without and only', () => {
    it('part the keys by those of another ring', async () => {
      const ring = await keyringOf(p256, p521)
      const other = await keyringOf(p521, ed25519)
      assert.deepEqual(ring.without(other).fingerprints, [await fingerprint(p256)])
      assert.deepEqual(ring.only(other).fingerprints, [await fingerprint(p521)])
    })
  })

  describe('revoke', () => {
    it('marks the one key that the certificate is about', async () => {
      const certificate = await makeRevocationCertificate({ armored: p521 }, 'superseded', new Date())
      const ring = await (await keyringOf(p256, p521)).revoke(certificate, new Date())
      const states = new Map(
        (await ring.describe(new Date())).map(({ fingerprint: id, state }) => [id, state]),
      )
      assert.deepEqual(
        [states.get(await fingerprint(p256)), states.get(await fingerprint(p521))],
        ['valid', 'revoked'],
      )
    })

    it('refuses a certificate about another key, and what is none', async () => {
      const stranger = await makeRevocationCertificate({ armored: ed25519 }, 'superseded', new Date())
      for (const certificate of [stranger, await publicArmored(p256), 'hello']) {
        await assert.rejects((await keyringOf(p256)).revoke(certificate, new Date()), {
          code: 'key-unusable',
          message: /no key that this revocation certificate is about/,
        })
      }
    })
  })

  describe('describe', () => {
    it('names the algorithm as people do', async () => {
      const ring = await keyringOf(p521, ed25519)
      const names = (await ring.describe(new Date())).map(({ algorithm }) => algorithm)
      assert.deepEqual(names, ['nistP521', 'ed25519'])
    })

    it('shows nothing that a terminal would take for a command', async () => {
      const { publicKey } = await generateKey({ userIDs: { name: 'a\u001b[2Jb é' }, subkeys: [] })
      const [key] = await (await Keyring.parse(Buffer.from(publicKey))).describe(new Date())
      assert.deepEqual(key?.userIds, ['a\\u001b[2Jb \\u00e9'])
    })
  })

  describe('keyIds', () => {
    it('are those of the keys and their subkeys', async () => {
      const withSubkey = await makeKey({ subkeys: [{ type: 'ecc', curve: 'nistP256', sign: true }] })
      const key = await readPrivateKey({ armoredKey: withSubkey })
      assert.deepEqual(
        (await keyringOf(withSubkey)).keyIds,
        new Set(key.getKeyIDs().map((id) => id.toHex().toUpperCase())),
      )
      assert.equal(key.getKeyIDs().length, 2)
    })
  })

  describe('toBinary', () => {
    it('puts keys first that Helm 3 cannot read', async () => {
      const mixed = await makeKey({
        type: 'rsa',
        subkeys: [{ type: 'ecc', curve: 'ed25519Legacy', sign: true }],
      })
      const binary = (await keyringOf(p256, ed25519, p521, mixed)).toBinary()
      const keys = await readKeys({ binaryKeys: binary })
      assert.deepEqual(
        keys.map((key) => key.getFingerprint().toUpperCase()),
        [
          await fingerprint(ed25519),
          await fingerprint(mixed),
          await fingerprint(p256),
          await fingerprint(p521),
        ],
      )
    })

    it('leaves out what others have certified', async () => {
      const certified = await (
        await readKey({ armoredKey: await publicArmored(p256) })
      ).signAllUsers([await readPrivateKey({ armoredKey: ed25519 })])
      const keyring = await Keyring.parse(Buffer.from(certified.armor()))
      assert.deepEqual(keyring.toBinary(), await publicBinary(p256))
    })
  })

  describe('toArmored', () => {
    it('is one block that holds the same keys', async () => {
      const keyring = await keyringOf(p256, ed25519)
      const armored = keyring.toArmored()
      assert.equal(armored.match(/BEGIN PGP PUBLIC KEY BLOCK/g)?.length, 1)
      assert.deepEqual((await Keyring.parse(Buffer.from(armored))).toBinary(), keyring.toBinary())
    })
  })
})
