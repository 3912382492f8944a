import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Catalog, type VersionRecord } from '../../src/catalog/catalog.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { AppError } from '../../src/errors.ts'
import { makeRevocationCertificate } from '../../src/provenance/retired-key.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { verifyProvenance } from '../../src/provenance/verify.ts'
import { attachProvenance } from '../../src/repository/attach-provenance.ts'
import { checkIntegrity } from '../../src/repository/check-integrity.ts'
import { readBlob } from '../../src/repository/read-blob.ts'
import { resign, type ResignFinding, type ResignRequest } from '../../src/repository/resign.ts'
import { type RepositorySettings, type SettingsOf } from '../../src/repository/settings.ts'
import { chart } from '../support/chart-builder.ts'
import { collected } from '../support/collected.ts'
import { intercept } from '../support/intercept.ts'
import { makeKey } from '../support/openpgp-keys.ts'
import {
  actorNow,
  authorise,
  defaultSettings,
  openEmbeddedStores,
  signChart,
  upload,
  type EmbeddedStores,
} from '../support/use-cases.ts'

const TEAM_A = parseRepositoryName('team-a')
const ANY = { kind: 'any' } as const

describe('resign', () => {
  let stores: EmbeddedStores
  let defaults: RepositorySettings
  let oldArmored: string
  let old: SigningKey
  let current: SigningKey
  let publisher: SigningKey

  before(async () => {
    oldArmored = await makeKey()
    old = await SigningKey.open({ armored: oldArmored })
    current = await SigningKey.open({ armored: await makeKey() })
    publisher = await SigningKey.open({ armored: await makeKey() })
    defaults = (await defaultSettings())(TEAM_A)
  })

  beforeEach(async () => {
    stores = await openEmbeddedStores()
  })

  afterEach(async () => {
    await stores.close()
  })

  /** One key for every repository. */
  function signingWith(key: SigningKey, others: Partial<RepositorySettings> = {}): SettingsOf {
    const publicKeyring = key.publicKeyring.merge(old.publicKeyring)
    return () => ({ ...defaults, signingKey: key, publicKeyring, ...others })
  }

  async function publishOld(
    version: string,
    options: { readonly repository?: string; readonly signer?: SigningKey } = {},
  ): Promise<void> {
    const archive = await chart({ version })
    const provenance = options.signer && (await signChart(options.signer, archive, { version }))
    const { repository } = options
    await upload({ ...stores, settingsOf: signingWith(old) }, archive, {
      ...(repository !== undefined && { repository }),
      ...(provenance !== undefined && { provenance }),
    })
  }

  async function run(
    request: Partial<ResignRequest> = {},
    {
      settingsOf = signingWith(current),
      catalog = stores.catalog,
    }: { settingsOf?: SettingsOf; catalog?: Catalog } = {},
  ): Promise<readonly ResignFinding[]> {
    const signedBy = { kind: 'key', fingerprint: old.fingerprint } as const
    const deps = { catalog, blobs: stores.blobs, settingsOf }
    return collected(resign(deps, { signedBy, actor: actorNow(), ...request }))
  }

  function outcomes(findings: readonly ResignFinding[]): Record<string, string> {
    return Object.fromEntries(findings.map(({ version, outcome }) => [version.version, outcome]))
  }

  /** The signers of what is served, by name, in the order of the file. */
  async function signersOf(version: VersionRecord): Promise<readonly string[]> {
    const names = new Map([
      [old.fingerprint, 'old'],
      [current.fingerprint, 'current'],
      [publisher.fingerprint, 'publisher'],
    ])
    const { signers } = await verifyProvenance({
      provenance: await readBlob(stores.blobs, version.provenance.digest),
      filename: version.filename,
      digest: version.digest,
      trusted: old.publicKeyring.merge(current.publicKeyring).merge(publisher.publicKeyring),
    })
    return signers.map(({ fingerprint = '' }) => names.get(fingerprint) ?? 'unknown')
  }

  async function served(): Promise<Record<string, readonly string[]>> {
    const versions = await collected(stores.catalog.listAllVersions())
    const entries = versions.map(async (version) => [version.version, await signersOf(version)] as const)
    return Object.fromEntries(await Promise.all(entries))
  }

  async function problems(settingsOf: SettingsOf): Promise<readonly string[]> {
    const findings = await collected(checkIntegrity({ ...stores, settingsOf }))
    return findings.flatMap(({ problem }) => problem ?? [])
  }

  it('gives every version that the key has signed a signature by the key in force, and keeps publishers’', async () => {
    await publishOld('1.0.0')
    await publishOld('2.0.0', { signer: publisher })
    assert.deepEqual(outcomes(await run()), { '1.0.0': 'resigned', '2.0.0': 'resigned' })
    assert.deepEqual(await served(), { '1.0.0': ['current'], '2.0.0': ['current', 'publisher'] })
    const origins = (await collected(stores.catalog.listAllVersions())).map(
      ({ provenance }) => provenance.origin,
    )
    assert.deepEqual(origins, ['server', 'publisher'])
  })

  it('leaves what fsck finds whole once the old key is revoked, and broken before', async () => {
    await publishOld('1.0.0')
    const certificate = await makeRevocationCertificate({ armored: oldArmored }, 'compromised', new Date())
    const publicKeyring = current.publicKeyring.merge(await old.publicKeyring.revoke(certificate, new Date()))
    const settingsOf = signingWith(current, { publicKeyring })
    assert.match((await problems(settingsOf)).join(), /the key is revoked/)
    assert.deepEqual(outcomes(await run({}, { settingsOf })), { '1.0.0': 'resigned' })
    assert.deepEqual(await problems(settingsOf), [])
  })

  it('has nothing to do the second time, and takes up a run that was broken off', async () => {
    const versions = Array.from({ length: 20 }, (_, patch) => `1.0.${patch}`)
    for (const version of versions) await publishOld(version)
    const deps = { ...stores, settingsOf: signingWith(current) }
    for await (const { outcome } of resign(deps, { signedBy: ANY, actor: actorNow() })) {
      assert.equal(outcome, 'resigned')
      break
    }
    const rest = Object.values(outcomes(await run()))
    assert.deepEqual(
      [
        rest.filter((outcome) => outcome === 'unchanged').length,
        rest.filter((outcome) => outcome === 'resigned').length,
      ],
      [8, 12],
    )
    const before = await stores.catalog.listRepositories()
    assert.deepEqual(new Set(Object.values(outcomes(await run()))), new Set(['unchanged']))
    assert.deepEqual(await stores.catalog.listRepositories(), before)
  })

  it('audits each version’s change', async () => {
    await publishOld('1.0.0')
    await run({ actor: { ...actorNow(), who: 'cli:root' } })
    const [newest] = await stores.catalog.listAudit({ limit: 1 })
    assert.deepEqual(
      [newest?.who, newest?.action, newest?.outcome, newest?.chart, newest?.version],
      ['cli:root', 'attach-provenance', 'done', 'demo', '1.0.0'],
    )
  })

  it('keeps to one repository where one is named', async () => {
    await publishOld('1.0.0')
    await publishOld('2.0.0', { repository: 'team-b' })
    assert.deepEqual(outcomes(await run({ repository: TEAM_A })), { '1.0.0': 'resigned' })
    assert.deepEqual(await served(), { '1.0.0': ['current'], '2.0.0': ['old'] })
    await assert.rejects(run({ repository: parseRepositoryName('nowhere') }), { code: 'repository-unknown' })
  })

  it('refuses to take away the signatures of a key that still signs', async () => {
    await publishOld('1.0.0')
    await assert.rejects(run({}, { settingsOf: signingWith(old) }), {
      code: 'request-invalid',
      message: /team-a still signs with [0-9A-F]{40}/,
    })
  })

  it('takes away the signatures of a key that no keyring has any more', async () => {
    await publishOld('1.0.0')
    const settingsOf = signingWith(current, { publicKeyring: current.publicKeyring })
    assert.match((await problems(settingsOf)).join(), /not trusted here/)
    assert.deepEqual(outcomes(await run({}, { settingsOf })), { '1.0.0': 'resigned' })
    assert.deepEqual(await served(), { '1.0.0': ['current'] })
  })

  describe('of any older key', () => {
    it('signs what carries an older key’s signature, and leaves the rest', async () => {
      await publishOld('1.0.0')
      await upload({ ...stores, settingsOf: signingWith(current) }, await chart({ version: '2.0.0' }))
      assert.deepEqual(outcomes(await run({ signedBy: ANY })), { '1.0.0': 'resigned', '2.0.0': 'unchanged' })
    })

    it('keeps the signature of a trusted publisher whose key is handed out as well', async () => {
      await publishOld('1.0.0', { signer: publisher })
      const settingsOf = signingWith(current, {
        publicKeyring: current.publicKeyring.merge(old.publicKeyring).merge(publisher.publicKeyring),
        trustedKeyring: publisher.publicKeyring,
      })
      await run({ signedBy: ANY }, { settingsOf })
      assert.deepEqual(await served(), { '1.0.0': ['current', 'publisher'] })
    })

    it('takes the server’s signature from a repository that was given a key of its own', async () => {
      await publishOld('1.0.0')
      await publishOld('2.0.0', { repository: 'team-b' })
      const own = { ...defaults, signingKey: current, publicKeyring: current.publicKeyring }
      const settingsOf: SettingsOf = (name) => (name === TEAM_A ? own : signingWith(old)(name))
      await run({ signedBy: ANY }, { settingsOf })
      assert.deepEqual(await served(), { '1.0.0': ['current'], '2.0.0': ['old'] })
      assert.deepEqual(await problems(settingsOf), [])
    })
  })

  describe('while versions change', () => {
    /** Does something before the nth look at a version. */
    function beforeLook(nth: number, act: () => Promise<unknown>): Catalog {
      let looks = 0
      return intercept(stores.catalog, ['findVersion'], async (_name, call) => {
        looks += 1
        if (looks === nth) await act()
        return call()
      })
    }

    async function attach(): Promise<void> {
      const [version] = await collected(stores.catalog.listAllVersions())
      assert.ok(version)
      const archive = await chart({ version: version.version })
      await attachProvenance(
        { ...stores, settingsOf: signingWith(current) },
        {
          authorisation: authorise('publish', TEAM_A),
          id: version,
          provenance: Buffer.from(await signChart(publisher, archive, { version: version.version })),
          force: 'unforced',
          actor: actorNow(),
        },
      )
    }

    it('loses no signature that a publisher sends meanwhile', async () => {
      await publishOld('1.0.0')
      const findings = await run({}, { catalog: beforeLook(1, attach) })
      assert.deepEqual(outcomes(findings), { '1.0.0': 'unchanged' })
      assert.deepEqual(await served(), { '1.0.0': ['current', 'publisher'] })
    })

    it('passes over a version that is withdrawn meanwhile', async () => {
      await publishOld('1.0.0')
      const withdraw = async (): Promise<void> => {
        const [version] = await collected(stores.catalog.listAllVersions())
        assert.ok(version)
        await stores.catalog.withdrawVersion(version, actorNow())
      }
      assert.deepEqual(outcomes(await run({}, { catalog: beforeLook(1, withdraw) })), {
        '1.0.0': 'unchanged',
      })
    })

    it('gives up on a version that changes all the time', async () => {
      await publishOld('1.0.0')
      const restless = intercept(stores.catalog, ['replaceProvenance'], () => Promise.resolve('blob-moved'))
      const [finding] = await run({}, { catalog: restless })
      assert.ok(finding?.outcome === 'failed')
      assert.match(finding.problem, /changing all the time/)
      assert.equal((await run()).length, 1)
    })
  })

  it('signs no file that was put in the place of the recorded one, and goes on with the others', async () => {
    await publishOld('1.0.0')
    await publishOld('2.0.0')
    const [first] = await collected(stores.catalog.listAllVersions())
    const digest = first?.provenance.digest ?? ''
    const blob = join(stores.directory, 'blobs/sha256', digest.slice(0, 2), digest)
    await rm(blob)
    await writeFile(blob, await signChart(old, await chart({ version: '1.0.0' }), { version: '1.0.0' }))
    const [finding, other] = await run()
    assert.ok(finding?.outcome === 'failed')
    assert.match(finding.problem, /provenance does not hash to/)
    assert.equal(other?.outcome, 'resigned')
  })

  it('stops at what concerns all versions', async () => {
    for (const version of ['1.0.0', '2.0.0', '3.0.0']) await publishOld(version)
    const full = intercept(stores.catalog, ['replaceProvenance'], () =>
      Promise.reject(new AppError('storage-full', 'the disk is full')),
    )
    await assert.rejects(run({}, { catalog: full }), { code: 'storage-full' })
  })

  it('finds nothing to do in an empty catalog', async () => {
    assert.deepEqual(await run(), [])
  })
})
