import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises'
import { runCommandLine } from '../../src/cli/program.ts'
import { testSigningKey } from '../support/installation.ts'
import { fingerprintOf, KeyInstallation } from '../support/key-installation.ts'
import { filesBelow } from '../support/leftovers.ts'
import { makeKey } from '../support/openpgp-keys.ts'

describe('chartroom key rotate', () => {
  let desk: KeyInstallation
  let first: string

  before(async () => {
    first = await fingerprintOf(await testSigningKey())
  })

  afterEach(async () => {
    await desk.remove()
  })

  it('signs with a new key of the same name, keeps the old one, and hands out both public keys', async () => {
    desk = await KeyInstallation.create()
    const old = await desk.read('certs', 'provenance.key.asc')
    const printed = await desk.succeed(['rotate'])

    const fresh = await fingerprintOf(await desk.read('certs', 'provenance.key.asc'))
    assert.notEqual(fresh, first)
    assert.equal(await desk.read('certs', `provenance.key.${first}.asc`), old)
    assert.equal((await stat(desk.at('certs', `provenance.key.${first}.asc`))).mode & 0o777, 0o600)
    assert.equal((await stat(desk.at('certs', 'provenance.key.asc'))).mode & 0o777, 0o600)
    assert.deepEqual(await desk.statesIn('certs', 'provenance.gpg'), { [fresh]: 'valid', [first]: 'valid' })
    assert.deepEqual(
      (await desk.ring('certs', 'provenance.asc')).toBinary(),
      await readFile(desk.at('certs', 'provenance.gpg')),
    )
    assert.deepEqual(printed, [
      `wrote ${desk.at('certs', `provenance.key.${first}.asc`)}`,
      `wrote ${desk.at('certs', 'provenance.key.asc')}`,
      `wrote ${desk.at('certs', 'provenance.gpg')}`,
      `wrote ${desk.at('certs', 'provenance.asc')}`,
      `the server signs with ${fresh} from now on`,
    ])
    const { signingKey, publicKeyring } = await desk.settings()
    assert.equal(signingKey.fingerprint, fresh)
    assert.deepEqual(publicKeyring.fingerprints, [fresh, first])
    const [description] = await signingKey.publicKeyring.describe(new Date())
    assert.deepEqual(description?.userIds, ['Test <test@example.org>'])
    const audited = await desk.newestAudit()
    assert.deepEqual(
      [audited?.action, audited?.outcome, audited?.detail],
      ['admin', 'done', `signing key of the server: ${fresh} instead of ${first}`],
    )
  })

  it('locks the new key with the configured passphrase, replaces an expired one, and destroys the old', async () => {
    desk = await KeyInstallation.create({ signing: { passphraseFile: 'passphrase' } })
    await desk.writeSecret('correct horse\n', 'passphrase')
    const expired = await makeKey({
      passphrase: 'correct horse',
      date: new Date('2020-01-01'),
      lifetimeSeconds: 60,
    })
    await desk.writeSecret(expired, 'certs', 'provenance.key.asc')
    const old = await desk.addOlder(expired)
    await desk.succeed(['rotate', '--discard-old', '--user-id', 'Charts <charts@example.com>'])

    const { signingKey } = await desk.settings()
    const [description] = await signingKey.publicKeyring.describe(new Date())
    assert.deepEqual(description?.userIds, ['Charts <charts@example.com>'])
    const kept = `provenance.key.${old}.revocation.asc`
    const secrets = (await readdir(desk.at('certs'))).filter((file) => file.startsWith('provenance.key.'))
    assert.deepEqual(new Set(secrets), new Set(['provenance.key.asc', kept]))
    assert.equal((await stat(desk.at('certs', kept))).mode & 0o777, 0o600)
    await desk.succeed(['revoke', old])
    assert.equal((await desk.statesIn('certs', 'provenance.gpg'))[old], 'revoked')
  })

  it('writes elsewhere what cannot be put in place, and changes nothing', async () => {
    desk = await KeyInstallation.create()
    const environment = { CHARTROOM_SIGNING_KEY_DATA: await desk.read('certs', 'provenance.key.asc') }
    await rm(desk.at('certs', 'provenance.key.asc'))
    await desk.refuse(['rotate'], /given as signing\.keyData: --out DIR/, { environment })

    const before = await filesBelow(desk.at('certs'))
    const printed = await desk.succeed(['rotate', '--out', desk.at('new')], { environment })
    assert.deepEqual(await filesBelow(desk.at('certs')), before)
    const fresh = await fingerprintOf(await desk.read('new', 'provenance.key.asc'))
    assert.deepEqual(await desk.statesIn('new', 'provenance.gpg'), { [fresh]: 'valid', [first]: 'valid' })
    assert.match(printed.at(-1) ?? '', new RegExp(`nothing is changed yet: .* ${fresh}$`))

    for (const file of ['provenance.key.asc', 'provenance.gpg']) {
      await rename(desk.at('new', file), desk.at('certs', file))
    }
    const certificate = desk.at('new', `provenance.key.${first}.revocation.asc`)
    await desk.succeed(['revoke', first, '--with', certificate])
    assert.equal((await desk.statesIn('certs', 'provenance.gpg'))[first], 'revoked')
  })

  it('replaces no file of a mounted Secret, and none where nothing can be written', async () => {
    desk = await KeyInstallation.create()
    await mkdir(desk.at('certs', '..data'))
    await rename(desk.at('certs', 'provenance.key.asc'), desk.at('certs', '..data', 'provenance.key.asc'))
    await symlink('..data/provenance.key.asc', desk.at('certs', 'provenance.key.asc'))
    await desk.refuse(
      ['rotate'],
      /provenance\.key\.asc" is a symbolic link, as in a mounted Secret: --out DIR/,
    )

    const environment = { CHARTROOM_SIGNING_KEYRING: desk.at('chartroom.yaml', 'ring.gpg') }
    await desk.refuse(['rotate'], /ring\.gpg.* cannot be read/, { environment })
    assert.equal(await fingerprintOf(await desk.read('certs', 'provenance.key.asc')), first)
  })

  it('goes on where an earlier run died, and overwrites no other key', async () => {
    desk = await KeyInstallation.create()
    const archived = `provenance.key.${first}.asc`
    await desk.writeSecret('another secret', 'certs', archived)
    await desk.refuse(['rotate'], /exists already and is not overwritten/)
    assert.equal(await desk.read('certs', archived), 'another secret')
    assert.equal(await fingerprintOf(await desk.read('certs', 'provenance.key.asc')), first)

    await rm(desk.at('certs', archived))
    await desk.writeSecret(await desk.read('certs', 'provenance.key.asc'), 'certs', archived)
    await desk.succeed(['rotate'])
    assert.notEqual(await fingerprintOf(await desk.read('certs', 'provenance.key.asc')), first)
  })

  it('leaves the old pair at work when it fails on its way', async () => {
    desk = await KeyInstallation.create()
    await mkdir(desk.at('storage', 'catalog.db'), { recursive: true })
    assert.notEqual((await desk.key(['rotate'])).code, 0)
    // The last step before the new key would have been put in place.
    assert.equal((await desk.ring('certs', 'provenance.gpg')).fingerprints.length, 2)
    const { signingKey, publicKeyring } = await desk.settings()
    assert.equal(signingKey.fingerprint, first)
    assert.ok(publicKeyring.fingerprints.includes(first))
  })

  it('does not overwrite the key that another run has put in place meanwhile', async () => {
    desk = await KeyInstallation.create()
    const other = await makeKey()
    let looks = 0
    let complaints = ''
    const status = await runCommandLine(['key', 'rotate', '--config', desk.configFile], {
      environment: {},
      now: () => {
        looks += 1
        // After the old key was read.
        if (looks === 2) writeFileSync(desk.at('certs', 'provenance.key.asc'), other, { mode: 0o600 })
        return new Date()
      },
      print: () => undefined,
      complain: (text) => (complaints += text),
      columns: undefined,
      terminated: new AbortController().signal,
      onHangup: () => undefined,
      version: '0.0.0-test',
    })
    assert.equal(status, 1)
    assert.match(complaints, /was changing meanwhile; nothing is replaced/)
    assert.equal(await desk.read('certs', 'provenance.key.asc'), other)
  })

  it('makes a repository its first key, in a keyring of its own', async () => {
    desk = await KeyInstallation.create({
      repositories: [{ name: 'team-a', signing: { key: 'keys/a.key.asc', keyring: 'keys/a.gpg' } }],
    })
    const printed = await desk.succeed(['rotate', '--repository', 'team-a'])
    const fresh = await fingerprintOf(await desk.read('keys', 'a.key.asc'))
    assert.deepEqual(await filesBelow(desk.at('keys')), ['a.asc', 'a.gpg', 'a.key.asc'])
    assert.deepEqual(await desk.statesIn('keys', 'a.gpg'), { [fresh]: 'valid' })
    assert.equal(printed.at(-1), `team-a signs with ${fresh} from now on`)
    assert.equal(await fingerprintOf(await desk.read('certs', 'provenance.key.asc')), first)
    assert.match((await desk.newestAudit())?.detail ?? '', /of team-a: [0-9A-F]{40} instead of none/)
  })

  it('refuses to rotate without a keyring, or a key that it cannot read', async () => {
    desk = await KeyInstallation.create({ repositories: [{ name: 'team-a', signing: { key: 'a.asc' } }] })
    await desk.writeSecret('not a key', 'a.asc')
    await desk.refuse(
      ['rotate', '--repository', 'team-a'],
      /team-a has no keyring.* set repositories\.0\.signing\.keyring/,
    )
    await desk.writeSecret('not a key', 'certs', 'provenance.key.asc')
    await desk.refuse(['rotate'], /is not an armored private key/)
    await chmod(desk.at('certs', 'provenance.key.asc'), 0o644)
    await desk.refuse(['rotate'], /open to every user of this machine/)
    assert.equal(await desk.read('certs', 'provenance.key.asc'), 'not a key')
  })
})
