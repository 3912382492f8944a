import assert from 'node:assert/strict'
import { type BlobStore } from '../../src/blobs/blob-store.ts'
import { type Catalog } from '../../src/catalog/catalog.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { AppError } from '../../src/errors.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { checkIntegrity, describeFinding } from '../../src/repository/check-integrity.ts'
import { collectGarbage } from '../../src/repository/collect-garbage.ts'
import { type PublishDeps } from '../../src/repository/publish.ts'
import { type SettingsOf } from '../../src/repository/settings.ts'
import { withdraw } from '../../src/repository/withdraw.ts'
import { versionId } from '../support/catalog-samples.ts'
import { chart } from '../support/chart-builder.ts'
import { collected } from '../support/collected.ts'
import { Faults, type Fault } from '../support/faults.ts'
import { faultyBlobStore, type BlobStep } from '../support/faulty-blob-store.ts'
import { faultyCatalog, type CatalogStep } from '../support/faulty-catalog.ts'
import { intercept } from '../support/intercept.ts'
import { Interleaving, schedules } from '../support/interleaving.ts'
import { filesBelow } from '../support/leftovers.ts'
import {
  actorNow,
  authorise,
  defaultSettings,
  openEmbeddedStores,
  signChart,
  upload,
  type EmbeddedStores,
} from '../support/use-cases.ts'
import { readWhole } from '../support/whole-index.ts'

/** A call that may go wrong. */
type Step = { readonly blobs: BlobStep; readonly call: number } | { readonly catalog: CatalogStep }

const FAULTS: readonly Fault[] = ['fail', 'fail-but-persist']
const HOUR_MS = 60 * 60 * 1000
const TEAM_A = parseRepositoryName('team-a')

describe('a fault of a store', () => {
  const id = versionId('demo', '0.1.0')
  let settingsOf: SettingsOf
  let publisher: SigningKey
  let archive: Buffer
  let stores: EmbeddedStores
  let blobFaults: Faults<BlobStep>
  let catalogFaults: Faults<CatalogStep>
  let deps: PublishDeps

  before(async () => {
    settingsOf = await defaultSettings()
    const armored = await generateSigningKey({ userId: 'CI <ci@example.org>', now: new Date() })
    publisher = await SigningKey.open({ armored })
    archive = await chart()
  })

  beforeEach(async () => {
    stores = await openEmbeddedStores()
    blobFaults = new Faults()
    catalogFaults = new Faults()
    deps = {
      settingsOf,
      blobs: faultyBlobStore(stores.blobs, blobFaults),
      catalog: faultyCatalog(stores.catalog, catalogFaults),
    }
  })

  afterEach(async () => {
    await stores.close()
  })

  function arm(step: Step, fault: Fault, error = new AppError('unavailable', 'planned fault')): void {
    if ('blobs' in step) blobFaults.arm({ step: step.blobs, call: step.call, fault, error })
    else catalogFaults.arm({ step: step.catalog, call: 1, fault, error })
  }

  /** What was planned has happened: else the test has proved nothing. */
  function assertFaultCame(): void {
    assert.deepEqual([blobFaults.isArmed, catalogFaults.isArmed], [false, false])
  }

  /** Every version that the catalog names is whole; as many are in the index. */
  async function assertWhole(repository: string, versions: number): Promise<void> {
    const findings = await collected(checkIntegrity({ ...stores, settingsOf }))
    const broken = findings.filter(({ problem }) => problem !== undefined)
    assert.deepEqual(broken.map(describeFinding), [])
    const index = await readWhole(stores.catalog, parseRepositoryName(repository))
    const fragments = (index?.charts ?? []).flatMap((entry) => entry.fragments)
    const live = findings.filter(({ version }) => version.repository === repository)
    assert.equal(fragments.length, versions)
    assert.deepEqual(
      fragments.map((fragment) => (JSON.parse(fragment) as { digest: string }).digest).sort(),
      live.map(({ version }) => version.digest as string).sort(),
    )
  }

  /** Two passes: the first condemns, the second removes. The later, the more of what died long ago is taken over. */
  async function collect(afterMs = 0): Promise<void> {
    for (const pass of [1, 2]) {
      await collectGarbage(stores, { now: new Date(Date.now() + afterMs + pass), graceMs: 0 })
    }
  }

  async function assertCollected(): Promise<void> {
    await collect()
    const stored = await collected(stores.blobs.list())
    const referenced = await collected(stores.catalog.listReferencedBlobs())
    assert.deepEqual(stored.sort(), referenced.sort())
  }

  async function withdrawDemo(catalog: Catalog = stores.catalog): Promise<void> {
    await withdraw({ catalog, settingsOf }, authorise('delete', TEAM_A), id, actorNow())
  }

  const publishing: readonly (readonly [string, Step])[] = [
    ['the archive is staged', { blobs: 'stage', call: 1 }],
    ['the name is looked up', { catalog: 'findTombstone' }],
    ['the provenance is staged', { blobs: 'stage', call: 2 }],
    ['the blobs are marked', { catalog: 'markBlobs' }],
    ['the archive is committed', { blobs: 'commit', call: 1 }],
    ['the provenance is committed', { blobs: 'commit', call: 2 }],
    ['the version is recorded', { catalog: 'recordVersion' }],
  ]
  for (const [when, step] of publishing) {
    for (const fault of FAULTS) {
      it(`(${fault}) when ${when} leaves all of a publish or nothing, and a retry succeeds`, async () => {
        const isRecorded =
          'catalog' in step && step.catalog === 'recordVersion' && fault === 'fail-but-persist'
        arm(step, fault)
        await assert.rejects(upload(deps, archive), { code: 'unavailable', message: 'planned fault' })
        assertFaultCame()
        await assertWhole('team-a', isRecorded ? 1 : 0)
        assert.equal((await upload(deps, archive)).outcome, isRecorded ? 'unchanged' : 'created')
        await assertWhole('team-a', 1)
        await assertCollected()
      })

      it(`(${fault}) when ${when} leaves nothing that gc does not collect`, async () => {
        arm(step, fault)
        await assert.rejects(upload(deps, archive))
        await assertCollected()
        await stores.blobs.close()
        assert.deepEqual(await filesBelow(`${stores.directory}/tmp`), [])
      })

      it(`(${fault}) when ${when} brings a deleted version back whole or not at all`, async () => {
        await upload(deps, archive)
        await withdrawDemo()
        arm(step, fault)
        await assert.rejects(upload(deps, archive), { message: 'planned fault' })
        assertFaultCame()
        await collect()
        const isBack = (await stores.catalog.findVersion(id)) !== undefined
        await assertWhole('team-a', isBack ? 1 : 0)
        assert.equal((await upload(deps, archive)).outcome, isBack ? 'unchanged' : 'created')
        await assertWhole('team-a', 1)
      })
    }
  }

  for (const fault of FAULTS) {
    for (const [what, call] of [
      ['provenance', 1],
      ['archive', 2],
    ] as const) {
      it(`(${fault}) when the staged ${what} is discarded does not undo a publish that has succeeded`, async () => {
        arm({ blobs: 'discard', call }, fault)
        assert.equal((await upload(deps, archive)).outcome, 'created')
        assertFaultCame()
        await assertWhole('team-a', 1)
      })

      it(`(${fault}) when the staged ${what} is discarded does not hide why a publish has failed`, async () => {
        arm({ blobs: 'discard', call }, fault)
        arm({ catalog: 'recordVersion' }, 'fail', new AppError('storage-full', 'no room'))
        await assert.rejects(upload(deps, archive), { code: 'storage-full', message: 'no room' })
        assertFaultCame()
        assert.equal((await upload(deps, archive)).outcome, 'created')
      })
    }

    for (const step of ['findVersion', 'appendAudit'] as const) {
      it(`(${fault}) at ${step} fails the publish of what is there already and changes nothing`, async () => {
        await upload(deps, archive)
        arm({ catalog: step }, fault)
        await assert.rejects(upload(deps, archive), { message: 'planned fault' })
        assertFaultCame()
        await assertWhole('team-a', 1)
        assert.equal((await upload(deps, archive)).outcome, 'unchanged')
      })
    }

    it(`(${fault}) when a version is withdrawn leaves it whole or gone`, async () => {
      await upload(deps, archive)
      arm({ catalog: 'withdrawVersion' }, fault)
      await assert.rejects(withdrawDemo(deps.catalog), { message: 'planned fault' })
      assertFaultCame()
      await assertWhole('team-a', fault === 'fail' ? 1 : 0)
      if (fault === 'fail') await withdrawDemo(deps.catalog)
      else await assert.rejects(withdrawDemo(deps.catalog), { code: 'chart-unknown' })
      await assertWhole('team-a', 0)
      await assertCollected()
    })
  }

  const attaching: readonly (readonly [string, Step])[] = [
    ['it is staged', { blobs: 'stage', call: 2 }],
    ['its blob is marked', { catalog: 'markBlobs' }],
    ['it is committed', { blobs: 'commit', call: 1 }],
    ['it is recorded', { catalog: 'replaceProvenance' }],
    ['the archive’s staged bytes are discarded', { blobs: 'discard', call: 1 }],
  ]
  for (const [when, step] of attaching) {
    for (const fault of FAULTS) {
      it(`(${fault}) for a provenance file, when ${when}, leaves the old or the new one`, async () => {
        await upload(deps, archive)
        const provenance = await signChart(publisher, archive)
        arm(step, fault)
        const first = await upload(deps, archive, { provenance }).catch((error: unknown) => error)
        assertFaultCame()
        assert.equal(first instanceof AppError, !('blobs' in step && step.blobs === 'discard'))
        await assertWhole('team-a', 1)
        await collect()
        await assertWhole('team-a', 1)
        const retried = await upload(deps, archive, { provenance })
        assert.deepEqual([retried.outcome, retried.version.provenance.origin], ['unchanged', 'publisher'])
        await assertWhole('team-a', 1)
        await assertCollected()
      })
    }
  }

  const sharing: readonly Step[] = [
    { blobs: 'commit', call: 1 },
    { blobs: 'commit', call: 3 },
    { catalog: 'recordVersion' },
    { blobs: 'discard', call: 1 },
  ]
  for (const step of sharing) {
    for (const fault of FAULTS) {
      it(`(${fault}) at ${Object.values(step).join(' ')} in one repository spares the same bytes in another`, async () => {
        arm(step, fault)
        const repositories = ['team-a', 'team-b']
        const attempts = repositories.map((repository) => upload(deps, archive, { repository }))
        const results = await Promise.allSettled(attempts)
        assertFaultCame()
        const failed = results.filter(({ status }) => status === 'rejected').length
        assert.equal(failed, 'blobs' in step && step.blobs === 'discard' ? 0 : 1)
        await collect()
        for (const [place, repository] of repositories.entries()) {
          const isThere =
            (await stores.catalog.findVersion({ ...id, repository: parseRepositoryName(repository) })) !==
            undefined
          if (results[place]?.status === 'fulfilled') assert.ok(isThere)
          await assertWhole(repository, isThere ? 1 : 0)
          const retried = await upload(deps, archive, { repository })
          assert.equal(retried.outcome, isThere ? 'unchanged' : 'created')
        }
        await assertCollected()
      })
    }
  }

  it('for want of room is told as such and leaves nothing', async () => {
    for (const [, step] of publishing) {
      arm(step, 'fail', new AppError('storage-full', 'no room'))
      await assert.rejects(upload(deps, archive), { code: 'storage-full' })
    }
    await assertCollected()
    await assertWhole('team-a', 0)
  })

  const collecting: readonly Step[] = [
    { catalog: 'condemnBlobs' },
    { blobs: 'delete', call: 1 },
    { blobs: 'delete', call: 2 },
    { catalog: 'blobsDeleted' },
  ]
  for (const step of collecting) {
    for (const fault of FAULTS) {
      it(`(${fault}) at ${Object.values(step).join(' ')} of gc delays a publish of the same bytes at most`, async () => {
        await upload(deps, archive)
        await withdrawDemo()
        await collectGarbage(stores, { now: new Date(Date.now() - 1), graceMs: 0 })
        arm(step, fault)
        await assert.rejects(collectGarbage(deps, { now: new Date(), graceMs: 0 }), {
          message: 'planned fault',
        })
        assertFaultCame()
        const outcome = await upload(deps, archive).then(
          () => 'created',
          (error: unknown) => (error instanceof AppError ? error.code : error),
        )
        assert.ok(outcome === 'created' || outcome === 'unavailable', String(outcome))
        await assertWhole('team-a', outcome === 'created' ? 1 : 0)
        await collect(2 * HOUR_MS)
        await assertWhole('team-a', outcome === 'created' ? 1 : 0)
        const retried = await upload(deps, archive)
        assert.equal(retried.outcome, outcome === 'created' ? 'unchanged' : 'created')
        await assertWhole('team-a', 1)
      })
    }
  }

  it('is not needed for gc and a publish of the same bytes to meet: in every order, none breaks the other', async () => {
    const outcomes = new Set<string>()
    await upload(deps, archive)
    for (const schedule of schedules(['publish', 4], ['gc', 5])) {
      await withdrawDemo()
      await collectGarbage(stores, { now: new Date(Date.now() - 1), graceMs: 0 })
      const outcome = await race(schedule)
      outcomes.add(outcome)
      await assertWhole('team-a', outcome === 'created' ? 1 : 0)
      const retried = await upload(deps, archive)
      assert.equal(retried.outcome, outcome === 'created' ? 'unchanged' : 'created', schedule.join(' '))
      await collect()
    }
    await assertWhole('team-a', 1)
    await assertCollected()
    assert.deepEqual([...outcomes].sort(), ['created', 'unavailable'])
  })

  /** Resolves to what became of the publish. */
  async function race(schedule: readonly string[]): Promise<string> {
    const turns = new Interleaving()
    const gated = async (actor: string, call: () => Promise<unknown>): Promise<unknown> => {
      await turns.gate(actor)
      return call()
    }
    const collecting = {
      catalog: intercept(stores.catalog as Catalog, ['condemnBlobs', 'blobsDeleted'], (_name, call) =>
        gated('gc', call),
      ),
      blobs: intercept(stores.blobs as BlobStore, ['delete'], (_name, call) => gated('gc', call)),
    }
    const publishing = {
      settingsOf,
      catalog: intercept(stores.catalog as Catalog, ['markBlobs', 'recordVersion'], (_name, call) =>
        gated('publish', call),
      ),
      blobs: intercept(stores.blobs as BlobStore, ['stage'], async (_name, call) =>
        intercept((await call()) as Awaited<ReturnType<BlobStore['stage']>>, ['commit'], (_commit, commit) =>
          gated('publish', commit),
        ),
      ),
    }
    let outcome = 'none'
    await turns.run(
      {
        publish: async () => {
          outcome = await upload(publishing, archive).then(
            (published) => published.outcome,
            (error: unknown) => (error instanceof AppError ? error.code : String(error)),
          )
        },
        gc: async () => {
          await turns.gate('gc')
          await collectGarbage(collecting, { now: new Date(), graceMs: 0 })
        },
      },
      schedule,
    )
    return outcome
  }
})
