import { deepEqual, equal, notEqual, rejects } from 'node:assert/strict'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { actor, newVersion, RULES, versionId } from '../../support/catalog-samples.ts'
import { collected } from '../../support/collected.ts'
import { readWhole } from '../../support/whole-index.ts'
import { type CatalogHarness } from './harness.ts'

export function describeProcesses(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const demo = versionId('demo', '1.0.0')

  describe('as one truth for several processes', () => {
    it('shows every change to the others at once', async () => {
      const another = await use.open()
      await use.publish(newVersion(demo))
      equal((await another.findVersion(demo))?.digest, newVersion(demo).digest)
      equal((await readWhole(another, team))?.revision, 1)
      await another.withdrawVersion(demo, actor())
      equal(await use.catalog.findVersion(demo), undefined)
      equal((await readWhole(use.catalog, team))?.revision, 2)
    })

    it('keeps everything, its epoch too, when all have closed', async () => {
      await use.publish(newVersion(demo))
      const before = await use.catalog.findVersion(demo)
      await use.catalog.close()
      const reopened = await use.open()
      deepEqual(await reopened.findVersion(demo), before)
      equal((await reopened.findRepository(team))?.revision, 1)
      equal((await reopened.listAudit({ limit: 9 })).length, 2)
      equal(reopened.epoch, use.catalog.epoch)
    })

    it('has another epoch in another catalog', async () => {
      const otherFixture = await use.create()
      const other = await otherFixture.open()
      notEqual(other.epoch, use.catalog.epoch)
      await other.close()
      await otherFixture.remove()
    })

    it('can be checked without a trace', async () => {
      await use.catalog.check()
      deepEqual(await use.audit(), [])
    })

    it('rejects everything with unavailable once it is closed', async () => {
      await use.catalog.close()
      const calls: Record<string, () => Promise<unknown>> = {
        findVersion: () => use.catalog.findVersion(demo),
        recordVersion: () => use.catalog.recordVersion(newVersion(demo), RULES, actor()),
        readIndex: () => readWhole(use.catalog, team),
        listReferencedBlobs: () => collected(use.catalog.listReferencedBlobs()),
        check: () => use.catalog.check(),
      }
      for (const [name, call] of Object.entries(calls)) await rejects(call(), { code: 'unavailable' }, name)
    })
  })
}
