import assert from 'node:assert/strict'
import { chmod, rename, rm, writeFile } from 'node:fs/promises'
import { DiskBlobStore } from '../../src/blobs/disk.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { makeRevocationCertificate } from '../../src/provenance/retired-key.ts'
import { chart } from '../support/chart-builder.ts'
import { testSigningKey } from '../support/installation.ts'
import { fingerprintOf, KeyInstallation } from '../support/key-installation.ts'
import { filesBelow } from '../support/leftovers.ts'
import { keyringOf, makeKey } from '../support/openpgp-keys.ts'
import { upload } from '../support/use-cases.ts'

describe('chartroom key', () => {
  let desk: KeyInstallation
  let first: string

  before(async () => {
    first = await fingerprintOf(await testSigningKey())
  })

  afterEach(async () => {
    await desk.remove()
  })

  describe('show', () => {
    it('prints the key and what is handed out with it, without its passphrase', async () => {
      desk = await KeyInstallation.create({ signing: { passphraseFile: 'nowhere' } })
      const locked = await makeKey({ passphrase: 'x', date: new Date('2026-01-02T03:04:05Z') })
      await desk.writeSecret(locked, 'certs', 'provenance.key.asc')
      const printed = await desk.succeed(['show'])
      assert.deepEqual(printed, [
        'the server',
        `  fingerprint  ${await fingerprintOf(locked)}`,
        '  user id      Test Publisher <publisher@example.com>',
        '  algorithm    nistP256',
        '  created      2026-01-02T03:04:05.000Z',
        '  expires      never',
        '  state        valid',
        `  key          ${desk.at('certs', 'provenance.key.asc')}`,
        `  keyring      ${desk.at('certs', 'provenance.gpg')}`,
        `               ${first}  valid  Test <test@example.org>`,
      ])
    })

    it('says when a key expires, and that it is revoked in the keyring', async () => {
      desk = await KeyInstallation.create()
      const date = new Date('2026-01-01T00:00:00Z')
      const armored = await makeKey({ date, lifetimeSeconds: 86_400 * 10_000 })
      await desk.writeSecret(armored, 'certs', 'provenance.key.asc')
      const certificate = await makeRevocationCertificate({ armored }, 'superseded', new Date())
      const revoked = await (await keyringOf(armored)).revoke(certificate, new Date())
      await writeFile(desk.at('certs', 'provenance.gpg'), revoked.toBinary())
      const printed = await desk.succeed(['show'])
      assert.ok(printed.includes('  expires      2053-05-19T00:00:00.000Z'))
      assert.ok(printed.includes('  state        revoked'))
    })

    it('prints repositories’ own keys', async () => {
      desk = await KeyInstallation.create({
        repositories: [
          { name: 'team-a', signing: { key: 'a.asc' } },
          { name: { glob: 'team-b/*' }, signing: { keyData: await makeKey() } },
          { name: 'team-c' },
        ],
      })
      await desk.writeSecret(await makeKey(), 'a.asc')
      const printed = await desk.succeed(['show'])
      const owners = printed.filter((line) => !line.startsWith(' '))
      assert.deepEqual(owners, ['the server', 'team-a', 'repositories like team-b/*'])
      assert.ok(printed.includes('  key          repositories.1.signing.keyData'))
      assert.ok(printed.includes('  keyring      none: only the key above is handed out'))

      const one = await desk.succeed(['show', '--repository', 'team-b/stable'])
      assert.equal(one[0], 'repositories like team-b/*')
      await desk.refuse(['show', '--repository', 'team-c'], /team-c has no signing key of its own/)
      await desk.refuse(['show', '--repository', '/'], /the root repository has no signing key of its own/)
    })

    it('refuses a key that is not there', async () => {
      desk = await KeyInstallation.create()
      await rm(desk.at('certs', 'provenance.key.asc'))
      await desk.refuse(['show'], /provenance\.key\.asc" does not exist/)
    })
  })

  describe('revoke', () => {
    it('marks an archived key in every keyring that has it, once', async () => {
      desk = await KeyInstallation.create({
        repositories: [{ name: 'team-a', signing: { key: 'a.key.asc', keyring: 'a.gpg' } }],
      })
      await desk.writeSecret(await makeKey(), 'a.key.asc')
      const armored = await makeKey()
      const old = await desk.addOlder(armored)
      await writeFile(desk.at('a.gpg'), (await keyringOf(armored)).toArmored())
      await desk.writeSecret(armored, 'certs', `provenance.key.${old}.asc`)

      const shown = old.toLowerCase().replace(/.{4}(?=.)/g, '$& ')
      assert.deepEqual(await desk.succeed(['revoke', shown]), [
        `wrote ${desk.at('certs', 'provenance.gpg')}`,
        `wrote ${desk.at('certs', 'provenance.asc')}`,
        `wrote ${desk.at('a.gpg')}`,
        `wrote ${desk.at('a.asc')}`,
        `${old} is revoked: what it has signed no longer verifies`,
      ])
      assert.deepEqual(await desk.statesIn('certs', 'provenance.gpg'), { [old]: 'revoked', [first]: 'valid' })
      assert.match(
        (await desk.newestAudit())?.detail ?? '',
        new RegExp(`signing key ${old} revoked in a.gpg`),
      )
      assert.deepEqual(await desk.succeed(['revoke', `0x${old}`]), [`${old} is revoked already`])
    })

    it('takes the private key from elsewhere, with a passphrase of its own', async () => {
      desk = await KeyInstallation.create()
      const locked = await makeKey({ passphrase: 'of old' })
      const old = await desk.addOlder(locked)
      await desk.writeSecret(locked, 'old.asc')
      await desk.writeSecret('of old', 'old.txt')
      await desk.refuse(
        ['revoke', old],
        /neither the private key of [0-9A-F]{40} nor a revocation certificate/,
      )
      await desk.refuse(['revoke', old, '--with', desk.at('nowhere.asc')], /--with FILE says where/)
      await desk.refuse(['revoke', old, '--with', desk.at('old.asc')], /protected by a passphrase/)
      await chmod(desk.at('old.asc'), 0o644)
      await desk.refuse(['revoke', old, '--with', desk.at('old.asc')], /open to every user of this machine/)
      await chmod(desk.at('old.asc'), 0o600)
      const reason = ['--reason', 'superseded', '--passphrase-file', desk.at('old.txt')]
      await desk.succeed(['revoke', old, '--with', desk.at('old.asc'), ...reason])
      assert.equal((await desk.statesIn('certs', 'provenance.gpg'))[old], 'revoked')
    })

    it('writes the keyring elsewhere on demand, and changes nothing', async () => {
      desk = await KeyInstallation.create()
      const armored = await makeKey()
      const old = await desk.addOlder(armored)
      await desk.writeSecret(armored, 'old.asc')
      const printed = await desk.succeed([
        'revoke',
        old,
        '--with',
        desk.at('old.asc'),
        '--out',
        desk.at('new'),
      ])
      assert.equal(printed.at(-1), 'nothing is changed yet: put the keyring in place')
      assert.equal((await desk.statesIn('certs', 'provenance.gpg'))[old], 'valid')
      assert.equal((await desk.statesIn('new', 'provenance.gpg'))[old], 'revoked')
    })

    it('refuses the key in force, one that no keyring has, and what revokes another', async () => {
      desk = await KeyInstallation.create()
      await desk.refuse(['revoke', first], /the server signs with this key .*: run "chartroom key rotate"/)
      await desk.refuse(['revoke', 'AB'.repeat(20)], /no keyring has the key (?:AB){20}/)
      const old = await desk.addOlder(await makeKey())
      await desk.writeSecret(await makeKey(), 'other.asc')
      await desk.refuse(
        ['revoke', old, '--with', desk.at('other.asc')],
        /no key that this revocation certificate is about/,
      )
      assert.equal((await desk.statesIn('certs', 'provenance.gpg'))[old], 'valid')
    })

    it('overwrites no private key that is called as the armored keyring would be', async () => {
      desk = await KeyInstallation.create({
        repositories: [{ name: 'team-a', signing: { key: 'a.asc', keyring: 'a.gpg' } }],
      })
      const own = await makeKey()
      const armored = await makeKey()
      const old = await fingerprintOf(armored)
      await desk.writeSecret(own, 'a.asc')
      await desk.writeSecret(armored, `a.${old}.asc`)
      await writeFile(desk.at('a.gpg'), (await keyringOf(armored)).toBinary())
      await desk.refuse(['revoke', old], /a\.asc: the keyring holds a secret key/)
      assert.equal(await desk.read('a.asc'), own)
      assert.deepEqual(await desk.statesIn('a.gpg'), { [old]: 'valid' })
    })

    it('is told how to be used', async () => {
      desk = await KeyInstallation.create()
      const { code, stderr } = await desk.key(['revoke', 'ABCD'])
      assert.equal(code, 2)
      assert.match(stderr, /expected a whole fingerprint/)
    })
  })

  describe('resign', () => {
    /** Versions that the installation's first key has signed, and another key in its place. */
    async function installResigning(versions: number): Promise<void> {
      desk = await KeyInstallation.create()
      const settingsOf = await desk.settingsOf()
      const catalog = await SqliteCatalog.open({ file: desk.at('storage', 'catalog.db') })
      const blobs = await DiskBlobStore.open({ directory: desk.at('storage') })
      for (let patch = 0; patch < versions; patch++) {
        const archive = await chart({ version: `1.0.${patch}` })
        await upload({ catalog, blobs, settingsOf }, archive, {
          repository: patch === 0 ? 'team-a' : 'team-b',
        })
      }
      await blobs.close()
      await catalog.close()
      await rename(desk.at('certs', 'provenance.key.asc'), desk.at('certs', `provenance.key.${first}.asc`))
      await desk.writeSecret(await makeKey(), 'certs', 'provenance.key.asc')
    }

    it('signs anew after a compromise, and fsck agrees before and after', async () => {
      await installResigning(2)
      await desk.succeed(['revoke', first])
      const broken = await desk.fsck()
      assert.equal(broken.code, 1)
      assert.match(broken.stdout, /team-a: demo 1\.0\.0: .* the key is revoked/)

      const [counts] = await desk.succeed(['resign', '--signed-by', first, '--repository', 'team-a'])
      assert.equal(counts, '1 versions read, 1 signed anew, 0 as they should be, 0 failed')
      const audited = await desk.newestAudit()
      assert.deepEqual([audited?.action, audited?.outcome], ['admin', 'done'])
      assert.match(
        audited?.detail ?? '',
        new RegExp(`what ${first} had signed: 1 versions read, 1 signed anew`),
      )

      const [all] = await desk.succeed(['resign', '--all'])
      assert.equal(all, '2 versions read, 1 signed anew, 1 as they should be, 0 failed')
      assert.equal((await desk.fsck()).code, 0)
      const [again] = await desk.succeed(['resign', '--all'])
      assert.equal(again, '2 versions read, 0 signed anew, 2 as they should be, 0 failed')
      assert.equal((await desk.newestAudit())?.outcome, 'unchanged')
    })

    it('says how far it is', async () => {
      await installResigning(101)
      assert.deepEqual(await desk.succeed(['resign', '--all']), [
        '… 100 versions read, 100 signed anew, 0 as they should be, 0 failed',
        '101 versions read, 101 signed anew, 0 as they should be, 0 failed',
      ])
    })

    it('fails, and says where, when a version cannot be signed', async () => {
      await installResigning(1)
      for (const file of await filesBelow(desk.at('storage', 'blobs')))
        await rm(desk.at('storage', 'blobs', file))
      const { code, stdout } = await desk.key(['resign', '--all'])
      assert.equal(code, 1)
      assert.match(stdout, /team-a: demo 1\.0\.0: the catalog names a blob that is gone/)
      assert.match(stdout, /1 versions read, 0 signed anew, 0 as they should be, 1 failed/)
    })

    it('leaves what fsck finds broken when the old key is no longer in the keyring', async () => {
      await installResigning(1)
      await rm(desk.at('certs', 'provenance.gpg'))
      const { code, stdout } = await desk.fsck()
      assert.equal(code, 1)
      assert.match(stdout, /signed by a key that is not trusted here/)
      await desk.succeed(['resign', '--signed-by', first])
      assert.equal((await desk.fsck()).code, 0)
    })

    it('refuses the key in force, and a repository that is not there', async () => {
      await installResigning(1)
      const current = await fingerprintOf(await desk.read('certs', 'provenance.key.asc'))
      await desk.refuse(['resign', '--signed-by', current], /still signs with/)
      await desk.refuse(['resign', '--all', '--repository', 'nowhere'], /there is no repository nowhere/)
      await desk.refuse(['resign', '--all', '--repository', '../x'], /not a repository name/)
    })

    for (const [what, flags, message] of [
      ['nothing', [], /say --signed-by FINGERPRINT or --all/],
      ['both', ['--all', '--signed-by', 'AB'.repeat(20)], /cannot be used with/],
      ['half a fingerprint', ['--signed-by', 'ABCD'], /expected a whole fingerprint/],
    ] as const) {
      it(`wants to be told what to sign anew: not ${what}`, async () => {
        desk = await KeyInstallation.create()
        const { code, stderr } = await desk.key(['resign', ...flags])
        assert.equal(code, 2)
        assert.match(stderr, message)
      })
    }
  })
})
