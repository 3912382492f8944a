import { deepEqual, equal, ok } from 'node:assert/strict'
import { type NewVersion, type RecordRules } from '../../../src/catalog/catalog.ts'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import {
  actor,
  digestOf,
  minutesAfterNoon,
  newVersion,
  NOON,
  provenanceOf,
  RULES,
  versionId,
} from '../../support/catalog-samples.ts'
import { collected } from '../../support/collected.ts'
import { type CatalogHarness } from './harness.ts'

export function describeRecording(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const demo = versionId('demo', '1.0.0')

  describe('recordVersion', () => {
    it('records a new version, which every way of looking then finds', async () => {
      const version = newVersion(demo)
      const outcome = await use.catalog.recordVersion(version, RULES, actor('publisher'))
      const expected = {
        ...demo,
        filename: version.filename,
        digest: version.digest,
        size: version.size,
        contentDigest: version.contentDigest,
        reading: version.reading,
        fragment: version.fragment,
        publishedAt: NOON,
        publishedBy: 'publisher',
        provenance: { ...version.provenance, recordedAt: NOON },
      }
      deepEqual(outcome, { outcome: 'created', version: expected })
      deepEqual(await use.catalog.findVersion(demo), expected)
      deepEqual(await use.catalog.findByFilename(team, version.filename), expected)
      deepEqual(await use.catalog.listVersions(team, demo.name), [expected])
    })

    it('keeps how the archive has to be read, also when other content takes its place', async () => {
      await use.catalog.recordVersion({ ...newVersion(demo), reading: 'lenient' }, RULES, actor())
      equal((await use.catalog.findVersion(demo))?.reading, 'lenient')
      const rules = { ...RULES, onOtherContent: 'replace' } as const
      await use.catalog.recordVersion(newVersion(demo, { content: 'in order' }), rules, actor())
      equal((await use.catalog.findVersion(demo))?.reading, 'strict')
    })

    it('raises the revision by one, logs the change and audits it', async () => {
      await use.catalog.createRepository(team, actor())
      await use.catalog.recordVersion(newVersion(demo), RULES, actor('publisher', minutesAfterNoon(1)))
      const repository = await use.catalog.findRepository(team)
      equal(repository?.revision, 1)
      deepEqual(repository.changedAt, minutesAfterNoon(1))
      const changes = await use.catalog.readIndexSince(team, 0)
      ok(typeof changes === 'object')
      deepEqual(
        changes.versions.map(({ name }) => name),
        ['demo'],
      )
      const [newest] = await use.catalog.listAudit({ limit: 1 })
      deepEqual(newest, {
        id: newest?.id,
        ...actor('publisher', minutesAfterNoon(1)),
        action: 'publish',
        outcome: 'done',
        repository: team,
        chart: 'demo',
        version: '1.0.0',
      })
    })

    it('gives each of many that come at once its own outcome, in their order', async () => {
      await use.publish(newVersion(demo))
      const other = versionId('demo', '2.0.0')
      const record = (version: NewVersion, rules: RecordRules = RULES) =>
        use.catalog.recordVersion(version, rules, actor())
      const outcomes = await Promise.all([
        record(newVersion(other)),
        record(newVersion(demo)),
        record(newVersion(demo, { content: 'other content' })),
        record(newVersion(other)),
        record({ ...newVersion(versionId('other', '2.0.0')), filename: newVersion(other).filename }),
        record(newVersion(versionId('demo', '3.0.0')), { ...RULES, quota: { versions: 3 } }),
        record(newVersion(versionId('demo', '4.0.0')), { ...RULES, quota: { versions: 3 } }),
        record(newVersion(versionId('demo', '5.0.0'))),
      ])
      deepEqual(
        outcomes.map(({ outcome }) => outcome),
        [
          'created',
          'unchanged',
          'exists',
          'unchanged',
          'filename-taken',
          'created',
          'quota-exceeded',
          'created',
        ],
      )
      equal(await use.revision(), 4)
      deepEqual(
        (await use.catalog.listVersions(team, demo.name)).map(({ version }) => version),
        ['5.0.0', '3.0.0', '2.0.0', '1.0.0'],
      )
      deepEqual((await use.audit()).slice(2), [
        'publish done',
        'publish unchanged',
        'publish unchanged',
        'publish done',
        'publish done',
      ])
    })

    it('refuses an unknown repository where the rules say so, and writes nothing', async () => {
      const rules = { ...RULES, onUnknownRepository: 'refuse' } as const
      deepEqual(await use.catalog.recordVersion(newVersion(demo), rules, actor()), {
        outcome: 'repository-unknown',
      })
      deepEqual(await use.catalog.listRepositories(), [])
      deepEqual(await use.audit(), [])
    })

    it('creates an unknown repository where the rules say so', async () => {
      await use.publish(newVersion(demo))
      equal(await use.revision(), 1)
      deepEqual(await use.audit(), ['create-repository done', 'publish done'])
    })

    it('finds the same bytes there already: nothing but an audit row is written', async () => {
      await use.publish(newVersion(demo), 'first')
      const before = await use.catalog.findVersion(demo)
      const rules = { ...RULES, sameMembers: 'other', onOtherContent: 'replace' } as const
      const retried = { ...newVersion(demo), provenance: provenanceOf('signed again') }
      const again = await use.catalog.recordVersion(retried, rules, actor('second', minutesAfterNoon(9)))
      deepEqual(again, { outcome: 'unchanged', version: before })
      deepEqual(await use.catalog.findVersion(demo), before)
      equal(await use.revision(), 1)
      deepEqual((await use.audit()).slice(2), ['publish unchanged'])
    })

    it('counts the same members in other bytes as the same content where the rules say so', async () => {
      await use.publish(newVersion(demo, { content: 'packed', members: 'm' }))
      const repacked = newVersion(demo, { content: 'packed again', members: 'm' })
      const outcome = await use.catalog.recordVersion(repacked, RULES, actor())
      ok(outcome.outcome === 'unchanged')
      equal(outcome.version.digest, digestOf('packed'))
    })

    it('counts the same members in other bytes as other content where the rules say so', async () => {
      await use.publish(newVersion(demo, { content: 'packed', members: 'm' }))
      const repacked = newVersion(demo, { content: 'packed again', members: 'm' })
      const rules = { ...RULES, sameMembers: 'other' } as const
      deepEqual(await use.catalog.recordVersion(repacked, rules, actor()), {
        outcome: 'exists',
        digest: digestOf('packed'),
        withdrawn: false,
      })
    })

    it('refuses other content, and writes nothing', async () => {
      await use.publish(newVersion(demo, { content: 'one' }))
      const before = await use.catalog.findVersion(demo)
      const outcome = await use.catalog.recordVersion(newVersion(demo, { content: 'two' }), RULES, actor())
      deepEqual(outcome, { outcome: 'exists', digest: digestOf('one'), withdrawn: false })
      deepEqual(await use.catalog.findVersion(demo), before)
      equal(await use.revision(), 1)
      equal((await use.audit()).length, 2)
    })

    it('replaces other content, and its provenance, where the rules say so', async () => {
      await use.publish(newVersion(demo, { content: 'one' }))
      const rules = { ...RULES, onOtherContent: 'replace' } as const
      const two = newVersion(demo, { content: 'two' })
      const outcome = await use.catalog.recordVersion(two, rules, actor('boss', minutesAfterNoon(2)))
      ok(outcome.outcome === 'replaced')
      deepEqual(await use.catalog.findVersion(demo), outcome.version)
      equal(outcome.version.digest, digestOf('two'))
      equal(outcome.version.provenance.digest, two.provenance.digest)
      equal(outcome.version.publishedBy, 'boss')
      equal(await use.revision(), 2)
      deepEqual((await use.audit()).at(-1), 'overwrite done')
      deepEqual(
        new Set(await collected(use.catalog.listReferencedBlobs())),
        new Set([two.digest, two.provenance.digest]),
      )
    })

    it('refuses the file name of another chart, live or withdrawn, and writes nothing', async () => {
      const owner = versionId('a', '1.0.0-2.0.0')
      const rival = newVersion(versionId('a-1.0.0', '2.0.0'))
      const refusal = { outcome: 'filename-taken', name: owner.name, version: owner.version }
      await use.publish(newVersion(owner))
      deepEqual(await use.catalog.recordVersion(rival, RULES, actor()), refusal)
      await use.catalog.withdrawVersion(owner, actor())
      deepEqual(await use.catalog.recordVersion(rival, RULES, actor()), refusal)
      equal(await use.catalog.findVersion(rival), undefined)
      equal(await use.revision(), 2)
      deepEqual((await use.audit()).at(-1), 'delete done')
    })

    it('lets another repository have the same file name', async () => {
      await use.publish(newVersion(versionId('a', '1.0.0-2.0.0')))
      await use.publish(newVersion(versionId('a-1.0.0', '2.0.0', 'team-b')))
    })

    it('gives exactly one of many racing publishers the version', async () => {
      const another = await use.open()
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, async (_, turn) => {
          const { outcome } = await (turn % 2 === 0 ? use.catalog : another).recordVersion(
            newVersion(demo),
            RULES,
            actor(),
          )
          return outcome
        }),
      )
      equal(outcomes.filter((outcome) => outcome === 'created').length, 1)
      equal(outcomes.filter((outcome) => outcome === 'unchanged').length, 19)
      equal(await use.revision(), 1)
    })
  })
}
