import assert from 'node:assert/strict'
import { createHash, generateKeyPairSync } from 'node:crypto'
import { inspect } from 'node:util'
import { parseCertificates, parsePrivateKey, subjectKeyDigest } from '../../../src/pki/pem.ts'
import { TestCa } from '../../support/test-ca.ts'

describe('parseCertificates', () => {
  let first: string
  let second: string

  before(async () => {
    first = (await TestCa.create({ name: 'First' })).certificatePem
    second = (await TestCa.create({ name: 'Second' })).certificatePem
  })

  it('reads all in their order, whatever text is around them', () => {
    const bundle = `# our CAs\r\n${first.replaceAll('\n', '\r\n')}Certificate:\n  Data: x\n${second}\n# end`
    assert.deepEqual(
      parseCertificates(bundle).map(({ subject }) => subject),
      ['CN=First', 'CN=Second'],
    )
  })

  it('refuses text without a certificate', () => {
    const { privateKey } = generateKeyPairSync('ed25519', {
      privateKeyEncoding: PKCS8,
      publicKeyEncoding: SPKI,
    })
    for (const text of ['', 'hello', privateKey]) {
      assert.throws(() => parseCertificates(text), {
        code: 'key-unusable',
        message: /no PEM certificate found/,
      })
    }
  })

  const DAMAGE: Readonly<Record<string, (pem: string) => string>> = {
    'the last one cut off': (pem) => pem.slice(0, -40),
    'bytes missing': (pem) => pem.replace(/\n.{64}\n/, '\n'),
    'letters that are not base64': (pem) => pem.replace(/\n.{4}/, '\n<!--'),
    'nothing in it': () => '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n',
  }
  for (const [title, damage] of Object.entries(DAMAGE)) {
    it(`refuses a bundle with ${title} as a whole`, () => {
      assert.throws(() => parseCertificates(first + damage(second)), {
        code: 'key-unusable',
        message: /damaged or cut off/,
      })
    })
  }
})

describe('parsePrivateKey', () => {
  it('reads PKCS#8 and the older forms of openssl', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    for (const type of ['pkcs8', 'sec1'] as const) {
      assert.ok(parsePrivateKey(privateKey.export({ type, format: 'pem' }).toString()).equals(privateKey))
    }
  })

  it('refuses an encrypted key and says how to decrypt it', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const encryption = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'secret' } as const
    for (const type of ['pkcs8', 'pkcs1'] as const) {
      const pem = privateKey.export({ type, ...encryption }).toString()
      assert.throws(() => parsePrivateKey(pem), {
        code: 'key-unusable',
        message: /encrypted: .*openssl pkey/,
      })
    }
  })

  it('refuses what is no key, and shows nothing of it', () => {
    const secret = 'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49'
    const pem = `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`
    for (const text of ['', secret, pem]) {
      assert.throws(
        () => parsePrivateKey(text),
        (error) => {
          assert.match(inspect(error), /key-unusable/)
          assert.match(inspect(error), /no usable PEM private key found/)
          assert.ok(!inspect(error).includes(secret))
          return true
        },
      )
    }
  })
})

describe('subjectKeyDigest', () => {
  it('is the SHA-256 of the public key, so renewing a certificate keeps it', async () => {
    const [certificate] = parseCertificates((await TestCa.create()).certificatePem)
    const spki = certificate.publicKey.export({ type: 'spki', format: 'der' })
    assert.equal(subjectKeyDigest(certificate), createHash('sha256').update(spki).digest('hex'))
  })
})

const PKCS8 = { type: 'pkcs8', format: 'pem' } as const
const SPKI = { type: 'spki', format: 'pem' } as const
