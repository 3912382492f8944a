import assert from 'node:assert/strict'
import { createMessage, enums, readPrivateKey, sign, type PrivateKey, type SignaturePacket } from 'openpgp'
import { createRsaSigner } from '../../../src/provenance/rsa-signer.ts'
import {
  canonical,
  checkSignature,
  makeSignature,
  readSignatures,
} from '../../../src/provenance/signatures.ts'
import { makeKey, type TestKeyOptions } from '../../support/openpgp-keys.ts'

const TEXT = 'name: demo\nversion: 1.2.3\n\n...\nfiles:\n  demo-1.2.3.tgz: sha256:überall'
/** One signature in some 200 begins with zeros. */
const MOST_TRIES = 5000

describe('createRsaSigner', () => {
  let key: PrivateKey
  let signText: NonNullable<ReturnType<typeof createRsaSigner>>
  const date = new Date()

  async function signerOf(privateKey: PrivateKey) {
    return createRsaSigner(
      await privateKey.getSigningKey(),
      await makeSignature('a model', privateKey, new Date()),
    )
  }

  async function keyOf(options: TestKeyOptions): Promise<PrivateKey> {
    return readPrivateKey({ armoredKey: await makeKey(options) })
  }

  async function byOpenpgp(privateKey: PrivateKey, like: SignaturePacket): Promise<SignaturePacket> {
    const bytes: unknown = await sign({
      message: await createMessage({ text: canonical(TEXT) }),
      signingKeys: privateKey,
      detached: true,
      format: 'binary',
      date,
      signatureNotations: like.rawNotations,
      config: { nonDeterministicSignaturesViaNotation: false },
    })
    const [packet] = await readSignatures(bytes as Uint8Array)
    assert.ok(packet)
    return packet
  }

  before(async () => {
    key = await keyOf({ type: 'rsa' })
    const signer = await signerOf(key)
    assert.ok(signer)
    signText = signer
  })

  it('makes what openpgp makes, to the byte', async () => {
    const signature = await signText(TEXT, date)
    assert.equal(hexOf(signature), hexOf(await byOpenpgp(key, signature)))
  })

  it('signs with every hash that it knows', async () => {
    const model = await makeSignature('a model', key, date)
    for (const hash of [enums.hash.sha256, enums.hash.sha384, enums.hash.sha512]) {
      model.hashAlgorithm = hash
      const signature = await createRsaSigner(key, model)?.(TEXT, date)
      assert.ok(signature)
      assert.equal(signature.hashAlgorithm, hash)
      await checkSignature(signature, { text: TEXT, key: key.toPublic(), now: date })
    }
  })

  it('makes what openpgp makes with a subkey', async () => {
    const subkeys = [{ type: 'rsa', rsaBits: 2048, sign: true } as const]
    const withSubkey = await keyOf({ subkeys })
    const signer = await signerOf(withSubkey)
    const signature = await signer?.(TEXT, date)
    assert.ok(signature)
    assert.equal(signature.issuerKeyID.toHex(), withSubkey.getSubkeys()[0]?.getKeyID().toHex())
    assert.equal(hexOf(signature), hexOf(await byOpenpgp(withSubkey, signature)))
  })

  it('adds the salt that openpgp adds, another one each time', async () => {
    const [theirs, ours, next] = await Promise.all([
      makeSignature(TEXT, key, date),
      signText(TEXT, date),
      signText(TEXT, date),
    ])
    const describe = ({ rawNotations }: SignaturePacket) =>
      rawNotations.map(({ value, ...rest }) => ({ ...rest, length: value.length }))
    assert.deepEqual(describe(ours), describe(theirs))
    assert.notDeepEqual(ours.rawNotations, next.rawNotations)
  })

  it('makes signatures that hold, also those that begin with zeros', async function () {
    this.timeout(60_000)
    const usual = (await signText(TEXT, date)).write().length
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const signature = await signText(TEXT, date)
      await checkSignature(signature, { text: TEXT, key: key.toPublic(), now: date })
      if (signature.write().length < usual) return
    }
    assert.fail('no signature began with zeros')
  })

  it('leaves other kinds of keys to openpgp', async () => {
    assert.equal(await signerOf(await keyOf({})), undefined)
    assert.equal(await signerOf(await keyOf({ curve: 'nistP521' })), undefined)
  })

  it('leaves to openpgp what OpenSSL does not take, and hashes of another kind', async () => {
    const model = await makeSignature('a model', key, date)
    const damaged = await keyOf({ type: 'rsa' })
    assert.ok('privateParams' in damaged.keyPacket)
    Object.assign(damaged.keyPacket.privateParams ?? {}, { p: new Uint8Array(0) })
    assert.equal(createRsaSigner(damaged, model), undefined)
    model.hashAlgorithm = enums.hash.sha224
    assert.equal(createRsaSigner(key, model), undefined)
  })
})

function hexOf(signature: SignaturePacket): string {
  return Buffer.from(signature.write()).toString('hex')
}
