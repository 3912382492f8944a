import { deepEqual, equal, ok } from 'node:assert/strict'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import {
  actor,
  digestOf,
  minutesAfterNoon,
  newVersion,
  provenanceOf,
  SEEN_NOTHING,
  versionId,
} from '../../support/catalog-samples.ts'
import { collected } from '../../support/collected.ts'
import { type CatalogHarness } from './harness.ts'

export function describeProvenance(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const demo = versionId('demo', '1.0.0')

  describe('replaceProvenance', () => {
    const archive = newVersion(demo).digest
    const other = { ...provenanceOf('countersigned'), origin: 'publisher' } as const

    it('puts another in force, while the archive and the time of publishing stay', async () => {
      await use.publish(newVersion(demo))
      const before = await use.catalog.findVersion(demo)
      const by = actor('signer', minutesAfterNoon(3))
      equal(await use.catalog.replaceProvenance(demo, archive, other, SEEN_NOTHING, by), 'replaced')
      deepEqual(await use.catalog.findVersion(demo), {
        ...before,
        provenance: { ...other, recordedAt: minutesAfterNoon(3) },
      })
      deepEqual(await use.catalog.listVersions(team, demo.name), [await use.catalog.findVersion(demo)])
    })

    it('raises the revision, logs the change and audits it', async () => {
      await use.publish(newVersion(demo))
      await use.catalog.replaceProvenance(demo, archive, other, SEEN_NOTHING, actor())
      equal(await use.revision(), 2)
      const changes = await use.catalog.readIndexSince(team, 1)
      ok(typeof changes === 'object')
      deepEqual(
        changes.versions.map(({ name }) => name),
        ['demo'],
      )
      deepEqual((await use.audit()).at(-1), 'attach-provenance done')
    })

    it('keeps what it replaces as history, whose blob is not garbage', async () => {
      await use.publish(newVersion(demo))
      await use.catalog.replaceProvenance(demo, archive, other, SEEN_NOTHING, actor())
      const expected = [archive, newVersion(demo).provenance.digest, other.digest]
      deepEqual(new Set(await collected(use.catalog.listReferencedBlobs())), new Set(expected))
    })

    it('finds the same one in force: nothing but an audit row is written', async () => {
      await use.publish(newVersion(demo))
      const same = newVersion(demo).provenance
      equal(await use.catalog.replaceProvenance(demo, archive, same, SEEN_NOTHING, actor()), 'unchanged')
      equal(await use.revision(), 1)
      deepEqual((await use.audit()).at(-1), 'attach-provenance unchanged')
    })

    it('refuses a version that does not exist, or no longer', async () => {
      const attach = () => use.catalog.replaceProvenance(demo, archive, other, SEEN_NOTHING, actor())
      equal(await attach(), 'version-unknown')
      await use.publish(newVersion(demo))
      await use.catalog.withdrawVersion(demo, actor())
      equal(await attach(), 'version-unknown')
      deepEqual((await use.audit()).at(-1), 'delete done')
    })

    it('refuses an archive that is not the one recorded', async () => {
      await use.publish(newVersion(demo))
      const elsewhere = digestOf('elsewhere')
      equal(
        await use.catalog.replaceProvenance(demo, elsewhere, other, SEEN_NOTHING, actor()),
        'archive-changed',
      )
      equal(await use.revision(), 1)
    })

    it('refuses a blob that gc has removed since it was marked, and writes nothing', async () => {
      await use.publish(newVersion(demo))
      await use.handOut(other.digest)
      await use.catalog.blobsDeleted([other.digest])
      equal(await use.catalog.replaceProvenance(demo, archive, other, SEEN_NOTHING, actor()), 'blob-moved')
      equal(await use.revision(), 1)
      equal((await use.catalog.findVersion(demo))?.provenance.digest, newVersion(demo).provenance.digest)
    })
  })
}
