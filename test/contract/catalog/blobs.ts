import { deepEqual, equal } from 'node:assert/strict'
import {
  actor,
  digestOf,
  minutesAfterNoon,
  newVersion,
  NOON,
  provenanceOf,
  RULES,
  SEEN_NOTHING,
  versionId,
} from '../../support/catalog-samples.ts'
import { collected } from '../../support/collected.ts'
import { type CatalogHarness } from './harness.ts'

export function describeBlobs(use: CatalogHarness): void {
  const demo = versionId('demo', '1.0.0')

  describe('blobs', () => {
    const version = newVersion(demo)
    const garbage = digestOf('garbage')

    it('marks unknown blobs with 0', async () => {
      deepEqual(
        await use.catalog.markBlobs([garbage, version.digest]),
        new Map([
          [garbage, 0],
          [version.digest, 0],
        ]),
      )
    })

    it('lists each blob that a live version names, once', async () => {
      await use.publish(version)
      await use.publish(newVersion(versionId('demo', '1.0.0', 'team-b')))
      await use.publish(newVersion(versionId('gone', '1.0.0')))
      await use.catalog.withdrawVersion(versionId('gone', '1.0.0'), actor())
      const listed = await collected(use.catalog.listReferencedBlobs())
      deepEqual(listed.toSorted(), [version.digest, version.provenance.digest].toSorted())
    })

    it('hands out what has been condemned since before the given time, and only that', async () => {
      deepEqual(await use.catalog.condemnBlobs([garbage], NOON, NOON), [])
      deepEqual(await use.catalog.condemnBlobs([garbage], minutesAfterNoon(1), NOON), [])
      deepEqual(await use.catalog.condemnBlobs([], minutesAfterNoon(2), minutesAfterNoon(1)), [])
      deepEqual(await use.catalog.condemnBlobs([garbage], minutesAfterNoon(2), minutesAfterNoon(1)), [
        garbage,
      ])
    })

    it('never condemns what a live version names', async () => {
      await use.publish(version)
      await use.catalog.replaceProvenance(demo, version.digest, provenanceOf('new'), SEEN_NOTHING, actor())
      for (const digest of await collected(use.catalog.listReferencedBlobs())) {
        deepEqual(await use.handOut(digest), [])
      }
    })

    it('condemns what only a tombstone names', async () => {
      await use.publish(version)
      await use.catalog.withdrawVersion(demo, actor())
      deepEqual(await use.handOut(version.digest), [version.digest])
      deepEqual(await use.handOut(version.provenance.digest), [version.provenance.digest])
    })

    it('spares a condemned blob that is published before it is handed out', async () => {
      await use.catalog.condemnBlobs([version.digest], NOON, NOON)
      await use.publish(version)
      deepEqual(
        await use.catalog.condemnBlobs([version.digest], minutesAfterNoon(2), minutesAfterNoon(1)),
        [],
      )
      await use.catalog.withdrawVersion(demo, actor())
      deepEqual(
        await use.catalog.condemnBlobs([version.digest], minutesAfterNoon(4), minutesAfterNoon(3)),
        [],
        'its grace period starts anew',
      )
    })

    it('hands a blob to one caller only, until an hour has passed without a report', async () => {
      deepEqual(await use.handOut(garbage), [garbage])
      const soon = minutesAfterNoon(59)
      deepEqual(await use.catalog.condemnBlobs([garbage], soon, soon), [])
      const late = minutesAfterNoon(61)
      deepEqual(await use.catalog.condemnBlobs([], late, late), [garbage])
      deepEqual(await use.catalog.condemnBlobs([], late, late), [])
    })

    it('counts a removal once it is reported, and for good', async () => {
      await use.handOut(garbage)
      deepEqual(await use.catalog.markBlobs([garbage]), new Map([[garbage, 0]]))
      await use.catalog.blobsDeleted([garbage])
      await use.catalog.blobsDeleted([garbage])
      deepEqual(await use.catalog.markBlobs([garbage]), new Map([[garbage, 1]]))
      await use.handOut(garbage, minutesAfterNoon(5))
      await use.catalog.blobsDeleted([garbage])
      deepEqual(await (await use.open()).markBlobs([garbage]), new Map([[garbage, 2]]))
    })

    it('counts no removal of a blob that is not marked as being deleted', async () => {
      await use.publish(version)
      await use.catalog.blobsDeleted([version.digest, garbage])
      deepEqual(
        await use.catalog.markBlobs([version.digest, garbage]),
        new Map([
          [version.digest, 0],
          [garbage, 0],
        ]),
      )
    })

    for (const [which, digest] of [
      ['archive', version.digest],
      ['provenance', version.provenance.digest],
    ] as const) {
      it(`refuses a publish whose ${which} gc has removed since it was marked, and writes nothing`, async () => {
        const seenBlobs = await use.catalog.markBlobs([version.digest, version.provenance.digest])
        await use.handOut(digest)
        await use.catalog.blobsDeleted([digest])
        deepEqual(await use.catalog.recordVersion({ ...version, seenBlobs }, RULES, actor()), {
          outcome: 'blob-moved',
        })
        deepEqual(await use.catalog.listRepositories(), [])
        deepEqual(await use.audit(), [])
        const fresh = await use.catalog.markBlobs([version.digest, version.provenance.digest])
        await use.publish({ ...version, seenBlobs: fresh })
      })

      it(`refuses a publish whose ${which} gc is about to remove`, async () => {
        await use.handOut(digest)
        const seenBlobs = await use.catalog.markBlobs([version.digest, version.provenance.digest])
        const { outcome } = await use.catalog.recordVersion({ ...version, seenBlobs }, RULES, actor())
        equal(outcome, 'blob-moved')
      })
    }

    it('refuses a version that would come back, or be replaced, with a blob that gc has removed', async () => {
      await use.publish(version)
      const other = newVersion(demo, { content: 'other' })
      await use.handOut(other.digest)
      const rules = { ...RULES, onOtherContent: 'replace' } as const
      deepEqual(await use.catalog.recordVersion(other, rules, actor()), { outcome: 'blob-moved' })
      await use.catalog.withdrawVersion(demo, actor())
      await use.handOut(version.digest, minutesAfterNoon(1))
      deepEqual(await use.catalog.recordVersion(version, RULES, actor()), { outcome: 'blob-moved' })
      equal((await use.catalog.findTombstone(demo))?.withdrawn, true)
      equal(await use.revision(), 2)
    })
  })
}
