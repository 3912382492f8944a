import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  archivedKeyFile,
  keepKeyFile,
  requireReplaceable,
  revocationFile,
} from '../../../src/cli/key-files.ts'
import { writeKeyring } from '../../../src/cli/keyring-files.ts'
import { Keyring } from '../../../src/provenance/keyring.ts'
import { keyringOf, makeKey } from '../../support/openpgp-keys.ts'

describe('files of signing keys', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-keys-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  function at(name: string): string {
    return join(folder, name)
  }

  it('are called after the key in force', () => {
    assert.equal(archivedKeyFile('/certs/provenance.key.asc', 'ABCD'), '/certs/provenance.key.ABCD.asc')
    assert.equal(
      revocationFile('/certs/provenance.key.asc', 'ABCD'),
      '/certs/provenance.key.ABCD.revocation.asc',
    )
    assert.equal(archivedKeyFile('/certs/key', 'ABCD'), '/certs/key.ABCD')
  })

  describe('requireReplaceable', () => {
    it('takes a file, one that is not there, and one whose folder is not there', async () => {
      await writeFile(at('key'), '')
      for (const file of ['key', 'absent', 'absent/key']) await requireReplaceable(at(file))
    })

    it('refuses a symbolic link, also one that leads nowhere', async () => {
      await symlink('..data/key', at('key'))
      await assert.rejects(requireReplaceable(at('key')), {
        code: 'request-invalid',
        message: /is a symbolic link, as in a mounted Secret: --out DIR/,
      })
    })

    it('refuses a place where nothing can be written', async () => {
      await writeFile(at('file'), '')
      await assert.rejects(requireReplaceable(at('file/key')), {
        code: 'request-invalid',
        message: /is where nothing can be written: --out DIR/,
      })
    })
  })

  describe('keepKeyFile', () => {
    it('writes a secret once, and never over another one', async () => {
      await keepKeyFile(at('key'), 'secret')
      await keepKeyFile(at('key'), 'secret')
      await assert.rejects(keepKeyFile(at('key'), 'other'), {
        code: 'request-invalid',
        message: /exists already/,
      })
      assert.equal(await readFile(at('key'), 'utf8'), 'secret')
    })
  })

  describe('writeKeyring', () => {
    for (const [file, other] of [
      ['ring.gpg', 'ring.asc'],
      ['ring.asc', 'ring.gpg'],
      ['ring', 'ring.asc'],
    ] as const) {
      it(`writes ${file} and, in the other form, ${other}`, async () => {
        const keyring = await keyringOf(await makeKey())
        assert.deepEqual(await writeKeyring(at(file), keyring), [at(file), at(other)])
        for (const name of [file, other]) {
          const bytes = await readFile(at(name))
          assert.equal(bytes.toString().startsWith('-----BEGIN PGP PUBLIC KEY BLOCK'), name.endsWith('.asc'))
          assert.deepEqual((await Keyring.parse(bytes)).toBinary(), keyring.toBinary())
        }
        await writeKeyring(at(file), keyring)
      })
    }

    it('overwrites nothing but public keyrings', async () => {
      const secret = await makeKey()
      await writeFile(at('ring.asc'), secret)
      await assert.rejects(writeKeyring(at('ring.gpg'), await keyringOf(secret)), {
        code: 'key-unusable',
        message: /ring\.asc: the keyring holds a secret key/,
      })
      assert.equal(await readFile(at('ring.asc'), 'utf8'), secret)
      await assert.rejects(readFile(at('ring.gpg')), { code: 'ENOENT' })
    })
  })
})
