import { deepEqual, equal, notEqual, ok } from 'node:assert/strict'
import { parseRepositoryName, type RepositoryName } from '../../../src/chart/repository-name.ts'
import { actor, newVersion, versionId } from '../../support/catalog-samples.ts'
import { collected } from '../../support/collected.ts'
import { readWhole } from '../../support/whole-index.ts'
import { type CatalogHarness } from './harness.ts'

export function describeRepositoryChanges(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const other = parseRepositoryName('other')
  const demo = versionId('demo', '1.0.0')

  async function revisionOf(name: RepositoryName): Promise<number> {
    return (await use.catalog.findRepository(name))?.revision ?? -1
  }

  describe('renameRepository', () => {
    it('takes everything along, and leaves nothing under the old name', async () => {
      await use.publish(newVersion(demo))
      equal(await use.catalog.renameRepository(team, other, actor('operator')), 'renamed')
      equal(await use.catalog.findRepository(team), undefined)
      equal(await use.catalog.findVersion(demo), undefined)
      const moved = await use.catalog.findVersion({ ...demo, repository: other })
      equal(moved?.digest, newVersion(demo).digest)
      const [row] = await use.catalog.listAudit({ limit: 1 })
      deepEqual(
        [row?.action, row?.who, row?.repository, row?.detail],
        ['rename-repository', 'operator', team, 'is now other'],
      )
    })

    it('changes nothing where there is no such repository, or the name is taken', async () => {
      equal(await use.catalog.renameRepository(team, other, actor()), 'repository-unknown')
      await use.catalog.createRepository(team, actor())
      await use.catalog.createRepository(other, actor())
      equal(await use.catalog.renameRepository(team, other, actor()), 'name-taken')
      equal((await use.audit()).length, 2)
    })

    it('gives a revision greater than any under either name, and a change log that starts there', async () => {
      await use.publish(newVersion({ ...demo, repository: other }))
      await use.publish(newVersion(versionId('demo', '2.0.0', 'other')))
      await use.publish(newVersion(versionId('demo', '3.0.0', 'other')))
      await use.catalog.deleteRepository(other, 'delete', actor())
      await use.publish(newVersion(demo))
      await use.catalog.renameRepository(team, other, actor())
      equal(await revisionOf(other), 4)
      for (const since of [0, 1, 2, 3]) equal(await use.catalog.readIndexSince(other, since), 'too-old')
      const changes = await use.catalog.readIndexSince(other, 4)
      ok(typeof changes === 'object')
      deepEqual(changes.versions, [])
    })

    it('lets a new repository of the old name go on from its revision', async () => {
      await use.publish(newVersion(demo))
      await use.catalog.renameRepository(team, other, actor())
      const left = await revisionOf(other)
      equal(await use.catalog.createRepository(team, actor()), 'created')
      ok((await revisionOf(team)) > left)
      equal(await use.catalog.readIndexSince(team, 1), 'too-old')
    })
  })

  describe('deleteRepository', () => {
    it('removes it with its versions and tombstones, and makes their blobs garbage', async () => {
      await use.publish(newVersion(demo))
      await use.publish(newVersion(versionId('demo', '2.0.0')))
      await use.catalog.withdrawVersion(demo, actor())
      equal(await use.catalog.deleteRepository(team, 'delete', actor('operator')), 'deleted')
      equal(await use.catalog.findRepository(team), undefined)
      equal(await use.catalog.findTombstone(demo), undefined)
      equal(await readWhole(use.catalog, team), undefined)
      deepEqual(await collected(use.catalog.listReferencedBlobs()), [])
      const [row] = await use.catalog.listAudit({ limit: 1 })
      deepEqual([row?.action, row?.repository], ['delete-repository', team])
      equal(row?.detail, 'with 1 versions (10 bytes)')
    })

    it('leaves one that holds versions where they are not to go, and deletes one that holds none', async () => {
      await use.publish(newVersion(demo))
      equal(await use.catalog.deleteRepository(team, 'refuse', actor()), 'not-empty')
      ok(await use.catalog.findVersion(demo))
      await use.catalog.withdrawVersion(demo, actor())
      equal(await use.catalog.deleteRepository(team, 'refuse', actor()), 'deleted')
      equal(await use.catalog.deleteRepository(team, 'refuse', actor()), 'repository-unknown')
    })

    it('never lets the name go back to a revision that it had', async () => {
      await use.publish(newVersion(demo))
      await use.catalog.deleteRepository(team, 'delete', actor())
      await use.catalog.createRepository(team, actor())
      equal(await revisionOf(team), 2)
      await use.catalog.deleteRepository(team, 'delete', actor())
      await use.publish(newVersion(demo, { content: 'other' }))
      equal(await revisionOf(team), 4)
      equal(await use.catalog.readIndexSince(team, 1), 'too-old')
    })
  })

  describe('renewEpoch', () => {
    it('is seen by whoever opens the catalog after it, and audited', async () => {
      const before = use.catalog.epoch
      await use.catalog.renewEpoch(actor())
      const { epoch } = await use.open()
      notEqual(epoch, before)
      deepEqual((await use.audit()).at(-1), 'restore done')
    })
  })
}
