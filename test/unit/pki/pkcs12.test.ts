import assert from 'node:assert/strict'
import { createPrivateKey } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSecureContext } from 'node:tls'
import { inspect } from 'node:util'
import { type Pkcs12Contents, toPkcs12 } from '../../../src/pki/pkcs12.ts'
import { describeWithOpenssl, openssl } from '../../support/openssl.ts'
import { TestCa } from '../../support/test-ca.ts'

const PASSWORD = 'a "quoted" pass\\word'

async function contents(): Promise<Pkcs12Contents> {
  const root = await TestCa.create({ name: 'Root' })
  const intermediate = await root.intermediate('Intermediate')
  const { cert, key, ca } = await intermediate.client({ cn: 'alice' })
  return {
    certificatePem: cert,
    keyPem: key,
    caPem: ca,
    password: PASSWORD,
    friendlyName: 'alice at example',
  }
}

describe('toPkcs12', () => {
  it('makes what Node takes, with the password only', async () => {
    const pfx = await toPkcs12(await contents())
    createSecureContext({ pfx, passphrase: PASSWORD })
    assert.throws(() => createSecureContext({ pfx, passphrase: 'wrong' }), /mac verify failure/)
    assert.throws(() => createSecureContext({ pfx }), /mac verify failure/)
  })

  it('takes RSA keys, and names outside of ASCII', async () => {
    const ca = await TestCa.create()
    const { cert, key } = await ca.client({ cn: 'Zoë', key: 'rsa' })
    const pfx = await toPkcs12({
      certificatePem: cert,
      keyPem: key,
      caPem: ca.certificatePem,
      password: 'x',
      friendlyName: 'Zoë 🚢',
    })
    createSecureContext({ pfx, passphrase: 'x' })
  })

  it('refuses a key of another certificate', async () => {
    const { keyPem } = await contents()
    await assert.rejects(async () => toPkcs12({ ...(await contents()), keyPem }), {
      code: 'key-unusable',
      message: /does not belong/,
    })
  })

  for (const password of ['', 'pässword', 'tab\there', 'nul\0']) {
    it(`refuses the password ${JSON.stringify(password)} without showing it`, async () => {
      await assert.rejects(
        async () => toPkcs12({ ...(await contents()), password }),
        (error) => {
          assert.match(inspect(error), /printable ASCII, and not empty/)
          assert.match(inspect(error), /request-invalid/)
          assert.ok(password === '' || !inspect(error).includes(password))
          return true
        },
      )
    })
  }
})

describeWithOpenssl('openssl with a .p12 file', () => {
  let dir: string

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'chartroom-pkcs12-'))
  })

  afterEach(async () => {
    await rm(dir, { recursive: true })
  })

  async function pkcs12(file: Buffer, ...args: readonly string[]): Promise<string> {
    await writeFile(join(dir, 'a.p12'), file)
    const run = openssl('pkcs12', '-in', join(dir, 'a.p12'), '-passin', `pass:${PASSWORD}`, '-noenc', ...args)
    assert.equal(run.code, 0, run.output)
    return run.output
  }

  it('finds key, leaf, intermediate and CA, the leaf and the key under one id and name', async () => {
    const made = await contents()
    const output = await pkcs12(await toPkcs12(made))
    const [key = '', leaf = '', ...others] = output.split('-----END').map((part) => part.trim())
    for (const bag of [key, leaf]) {
      assert.match(bag, /friendlyName: alice at example/)
      assert.match(bag, /localKeyID: [0-9A-F ]{59}/)
    }
    assert.equal(/localKeyID: .*/.exec(key)?.[0], /localKeyID: .*/.exec(leaf)?.[0])
    assert.match(leaf, /subject=CN = alice/)
    assert.match(others.join(), /subject=CN = Intermediate[^]*subject=CN = Root/)
    assert.doesNotMatch(others.join(), /localKeyID/)
    const keyPem = /-----BEGIN PRIVATE KEY-----[^]*-----END PRIVATE KEY-----/.exec(output)?.[0] ?? ''
    assert.ok(createPrivateKey(keyPem).equals(createPrivateKey(made.keyPem)))
  })

  it('finds strong encryption and as strong a MAC', async () => {
    const output = await pkcs12(await toPkcs12(await contents()), '-info')
    assert.match(output, /MAC: sha256, Iteration 100000/)
    const encrypted = output.match(/PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256/g)
    assert.equal(encrypted?.length, 2)
  })
})
