import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Environment } from '../../../src/config/env.ts'
import { loadConfig, type Config } from '../../../src/config/load.ts'

describe('the signing sections', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-config-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function load(yaml: string, environment: Environment = {}): Promise<Config> {
    const config = join(folder, 'chartroom.yaml')
    await writeFile(config, yaml)
    return loadConfig({ config }, environment)
  }

  it('default to the files that init makes', async () => {
    const { signing } = await load('')
    assert.deepEqual(signing, {
      key: join(folder, 'certs/provenance.key.asc'),
      keyring: join(folder, 'certs/provenance.gpg'),
    })
  })

  it('take the key itself from the environment, and show it nobody', async () => {
    const { signing } = await load('', {
      CHARTROOM_SIGNING_KEY_DATA: 'the key',
      CHARTROOM_SIGNING_PASSPHRASE: 'hunter2',
    })
    assert.equal(signing.key, undefined)
    assert.deepEqual([signing.keyData.reveal(), signing.passphrase?.reveal()], ['the key', 'hunter2'])
    assert.deepEqual(JSON.parse(JSON.stringify(signing)), {
      keyData: '[secret]',
      passphrase: '[secret]',
      keyring: join(folder, 'certs/provenance.gpg'),
    })
  })

  it('of a repository have paths beside the configuration, and no defaults', async () => {
    const { repositories } = await load(
      'repositories:\n' +
        '- { name: a, signing: { key: a.asc, keyring: a.gpg, passphraseFile: a.txt } }\n' +
        '- { name: b, signing: { keyData: secret } }\n' +
        '- name: c\n',
    )
    const [a, b, c] = repositories.map(({ signing }) => signing)
    assert.deepEqual(a, {
      key: join(folder, 'a.asc'),
      keyring: join(folder, 'a.gpg'),
      passphraseFile: join(folder, 'a.txt'),
    })
    assert.deepEqual([b?.key, b?.keyData?.reveal(), b?.keyring], [undefined, 'secret', undefined])
    assert.equal(c, undefined)
  })

  const refused: readonly (readonly [string, string, RegExp])[] = [
    [
      'a key and its data',
      'signing: { key: a.asc, keyData: x }',
      /signing\.keyData: only one of signing\.key and signing\.keyData/,
    ],
    [
      'a passphrase and its file',
      'signing: { passphrase: a, passphraseFile: b }',
      /signing\.passphraseFile: only one of/,
    ],
    [
      'both for a repository',
      'repositories: [{ name: a, signing: { key: a.asc, keyData: x } }]',
      /repositories\.0\.signing\.keyData: only one of/,
    ],
    [
      'a repository’s section without a key',
      'repositories: [{ name: a, signing: { keyring: a.gpg } }]',
      /repositories\.0\.signing\.key: required: one of signing\.key and signing\.keyData/,
    ],
  ]
  for (const [what, yaml, message] of refused) {
    it(`refuse ${what}`, async () => {
      await assert.rejects(load(yaml), { code: 'config-invalid', message })
    })
  }
})
