import { equal, match, ok, rejects, throws } from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { encryptPrivateKey } from '../../../src/pki/encrypt-key.ts'
import { createKeyPair, privateKeyPem } from '../../../src/pki/key-pair.ts'
import { decryptPrivateKey, isEncrypted, parsePrivateKey } from '../../../src/pki/pem.ts'
import { describeWithOpenssl, openssl } from '../../support/openssl.ts'

describe('encryptPrivateKey', () => {
  let keyPem: string

  before(async () => {
    keyPem = privateKeyPem((await createKeyPair()).privateKey)
  })

  it('makes what its passphrase opens, and no other', async () => {
    const encrypted = await encryptPrivateKey(keyPem, 'correct höhrse')
    ok(isEncrypted(encrypted))
    ok(!isEncrypted(keyPem))
    ok(decryptPrivateKey(encrypted, 'correct höhrse').equals(parsePrivateKey(keyPem)))
    throws(
      () => decryptPrivateKey(encrypted, 'wrong'),
      (error: unknown) => {
        match(String(error), /passphrase does not open/)
        ok(!inspect(error).includes('wrong'))
        return true
      },
    )
  })

  it('refuses an empty passphrase', async () => {
    await rejects(encryptPrivateKey(keyPem, ''), { code: 'request-invalid', message: /must not be empty/ })
  })
})

describeWithOpenssl('openssl with an encrypted key', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-key-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  it('opens it, and finds AES-256 under PBKDF2 with many rounds', async () => {
    const file = join(folder, 'ca.key')
    const keyPem = privateKeyPem((await createKeyPair()).privateKey)
    await writeFile(file, await encryptPrivateKey(keyPem, 'secret'))
    const { code, output } = openssl('pkey', '-in', file, '-passin', 'pass:secret')
    equal(code, 0, output)
    ok(parsePrivateKey(output).equals(parsePrivateKey(keyPem)))
    const structure = openssl('asn1parse', '-in', file).output
    for (const part of [/PBKDF2/, /hmacWithSHA256/, /aes-256-cbc/, /INTEGER +:0927C0/]) match(structure, part)
  })
})
