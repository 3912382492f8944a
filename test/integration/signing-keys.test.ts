import assert from 'node:assert/strict'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readRepositorySettings } from '../../src/app/repository-settings.ts'
import { type Environment } from '../../src/config/env.ts'
import { parseRepositoryName, ROOT_REPOSITORY } from '../../src/chart/repository-name.ts'
import { loadConfig } from '../../src/config/load.ts'
import { Keyring } from '../../src/provenance/keyring.ts'
import { makeRevocationCertificate } from '../../src/provenance/retired-key.ts'
import { requireKnownSigner, verifyProvenance } from '../../src/provenance/verify.ts'
import { parseDigest } from '../../src/chart/digest.ts'
import { chart } from '../support/chart-builder.ts'
import { eventually } from '../support/eventually.ts'
import { Installation, testSigningKey } from '../support/installation.ts'
import { fingerprintOf } from '../support/key-installation.ts'
import { keyringOf, makeKey } from '../support/openpgp-keys.ts'
import { jsonOf, TestServer } from '../support/test-server.ts'

describe('signing keys', () => {
  describe('are read', () => {
    let installation: Installation

    afterEach(async () => {
      await installation.remove()
    })

    async function signsWith(environment: Environment = {}, repository = ROOT_REPOSITORY): Promise<string> {
      const config = await loadConfig({ config: installation.configFile }, environment)
      return (await readRepositorySettings(config))(repository).signingKey.fingerprint
    }

    function at(...names: readonly string[]): string {
      return join(installation.folder, ...names)
    }

    it('from the environment, with a passphrase from there or from a file', async () => {
      installation = await Installation.create()
      const armored = await makeKey({ passphrase: 'x' })
      const environment = { CHARTROOM_SIGNING_KEY_DATA: armored }
      const passphraseFile = at('passphrase')
      await writeFile(passphraseFile, 'x\n', { mode: 0o600 })
      const fingerprint = await fingerprintOf(armored)
      assert.equal(await signsWith({ ...environment, CHARTROOM_SIGNING_PASSPHRASE: 'x' }), fingerprint)
      assert.equal(
        await signsWith({ ...environment, CHARTROOM_SIGNING_PASSPHRASE_FILE: passphraseFile }),
        fingerprint,
      )
      await assert.rejects(signsWith(environment), {
        code: 'key-unusable',
        message: /^signing\.keyData: the signing key is protected by a passphrase/,
      })
    })

    it('from a mounted Secret, which the group may read', async () => {
      installation = await Installation.create({
        settings: { signing: { key: 'secret/key.asc', passphraseFile: 'secret/passphrase' } },
      })
      const armored = await makeKey({ passphrase: 'x' })
      await mkdir(at('secret', '..2026'), { recursive: true })
      await writeFile(at('secret', '..2026', 'key.asc'), armored)
      await writeFile(at('secret', '..2026', 'passphrase'), 'x')
      for (const file of ['key.asc', 'passphrase']) await chmod(at('secret', '..2026', file), 0o440)
      await symlink('..2026', at('secret', '..data'))
      for (const file of ['key.asc', 'passphrase']) await symlink(`..data/${file}`, at('secret', file))
      assert.equal(await signsWith(), await fingerprintOf(armored))

      await chmod(at('secret', '..2026', 'key.asc'), 0o444)
      await assert.rejects(signsWith(), { code: 'key-unusable', message: /open to every user/ })
    })

    it('for each repository: its own entry’s, else that of the first glob, else the server’s', async () => {
      const [own, globbed] = [await makeKey(), await makeKey()]
      installation = await Installation.create({
        settings: {
          repositories: [
            { name: { glob: 'team-a/**' }, signing: { key: 'glob.asc' } },
            { name: 'team-a/own', signing: { keyData: own } },
            { name: 'team-a/plain' },
          ],
        },
      })
      await writeFile(at('glob.asc'), globbed, { mode: 0o600 })
      const found = []
      for (const name of ['team-a/own', 'team-a/other', 'team-a/plain', 'team-b']) {
        found.push(await signsWith({}, parseRepositoryName(name)))
      }
      const server = await fingerprintOf(await testSigningKey())
      assert.deepEqual(found, [await fingerprintOf(own), await fingerprintOf(globbed), server, server])
    })

    it('and one that is missing or revoked is refused, with its name', async () => {
      installation = await Installation.create({
        settings: { repositories: [{ name: 'team-a', signing: { key: 'a.asc' } }] },
      })
      await assert.rejects(signsWith(), { code: 'key-unusable', message: /a\.asc" does not exist/ })
      await writeFile(at('a.asc'), 'hello', { mode: 0o600 })
      await assert.rejects(signsWith(), { code: 'key-unusable', message: /a\.asc: the signing key is not/ })

      await writeFile(at('a.asc'), await makeKey(), { mode: 0o600 })
      const armored = await testSigningKey()
      const certificate = await makeRevocationCertificate({ armored }, 'compromised', new Date())
      const revoked = await (await keyringOf(armored)).revoke(certificate, new Date())
      await writeFile(at('certs', 'provenance.gpg'), revoked.toBinary())
      await assert.rejects(signsWith(), {
        code: 'key-unusable',
        message:
          /provenance\.key\.asc: the signing key is revoked in .*provenance\.gpg; "chartroom key rotate"/,
      })
    })
  })

  describe('of a running server', () => {
    let server: TestServer

    afterEach(async () => {
      await server.close()
    })

    async function keyring(repository: string): Promise<Keyring> {
      const reply = await server.request(await server.reader(), 'GET', `${repository}/keys/provenance.gpg`)
      return Keyring.parse(reply.bytes)
    }

    /** The fingerprint of who signed the chart, which has to verify with the keyring that is handed out. */
    async function publish(repository: string, version = '0.1.0'): Promise<string | undefined> {
      const body = await chart({ version })
      const admin = await server.admin()
      const reply = await server.request(admin, 'POST', `/api${repository}/charts`, { body })
      assert.equal(reply.status, 201, reply.reason)
      const filename = `demo-${version}.tgz`
      const { bytes } = await server.request(admin, 'GET', `${repository}/charts/${filename}.prov`)
      const { digest } = jsonOf(
        await server.request(admin, 'GET', `/api${repository}/charts/demo/${version}`),
      ) as { readonly digest: string }
      const trusted = await keyring(repository)
      const verified = await verifyProvenance({
        provenance: bytes,
        filename,
        digest: parseDigest(digest),
        trusted,
      })
      requireKnownSigner(verified)
      return verified.signers[0]?.fingerprint
    }

    it('sign for their own repository, which hands out its own keyring', async () => {
      const [own, older] = [await makeKey(), await makeKey()]
      server = await TestServer.start({
        settings: { repositories: [{ name: 'team-a', signing: { keyData: own, keyring: 'team-a.gpg' } }] },
      })
      const team = [await fingerprintOf(own), await fingerprintOf(older)]
      await writeFile(join(server.folder, 'team-a.gpg'), (await keyringOf(older)).toBinary())
      await eventually(async () => {
        assert.deepEqual((await keyring('/team-a')).fingerprints, team)
      })
      assert.equal(await publish('/team-a'), team[0])
      assert.equal(await publish(''), await fingerprintOf(await testSigningKey()))
      assert.deepEqual((await keyring('')).fingerprints, [await fingerprintOf(await testSigningKey())])
    })

    it('are warned of at start when they expire', async () => {
      const expiring = await makeKey({ date: new Date('2026-01-01'), lifetimeSeconds: 86_400 * 10_000 })
      server = await TestServer.start({
        settings: { repositories: [{ name: 'team-a', signing: { keyData: expiring } }] },
      })
      const warnings = server.logLines
        .map((line) => JSON.parse(line) as Record<string, unknown>)
        .filter(({ msg }) => String(msg).startsWith('the signing key expires'))
      assert.deepEqual(
        warnings.map(({ signs, fingerprint, expiresAt }) => [signs, fingerprint, expiresAt]),
        [['team-a', await fingerprintOf(expiring), '2053-05-19T00:00:00.000Z']],
      )
    })
  })
})
