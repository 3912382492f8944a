import { deepEqual, equal, ok } from 'node:assert/strict'
import { type ChangedVersion } from '../../../src/catalog/catalog.ts'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { versionSortKey } from '../../../src/chart/version.ts'
import { actor, minutesAfterNoon, newVersion, NOON, RULES, versionId } from '../../support/catalog-samples.ts'
import { readWhole } from '../../support/whole-index.ts'
import { type CatalogHarness } from './harness.ts'

export function describeIndex(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')

  describe('readIndex', () => {
    it('does not know an unknown repository', async () => {
      equal(await readWhole(use.catalog, team), undefined)
      equal(await use.catalog.readIndexSince(team, 0), undefined)
    })

    it('is empty at revision 0 for a new repository', async () => {
      await use.catalog.createRepository(team, actor())
      deepEqual(await readWhole(use.catalog, team), { revision: 0, changedAt: NOON, charts: [] })
    })

    it('gives charts in order of name and their fragments from the newest', async () => {
      for (const [name, version] of [
        ['b', '1.0.0'],
        ['a-b', '1.0.0'],
        ['a', '1.10.0'],
        ['a', '1.9.0'],
        ['a', '2.0.0-rc.1'],
      ] as const) {
        await use.publish(newVersion(versionId(name, version)))
      }
      const index = await readWhole(use.catalog, team)
      const fragment = (name: string, version: string): string =>
        newVersion(versionId(name, version)).fragment
      deepEqual(index, {
        revision: 5,
        changedAt: NOON,
        charts: [
          {
            name: 'a',
            fragments: [fragment('a', '2.0.0-rc.1'), fragment('a', '1.10.0'), fragment('a', '1.9.0')],
          },
          { name: 'a-b', fragments: [fragment('a-b', '1.0.0')] },
          { name: 'b', fragments: [fragment('b', '1.0.0')] },
        ],
      })
    })

    it('reads the revision and the fragments in one snapshot', async () => {
      await use.catalog.createRepository(team, actor())
      const another = await use.open()
      const reads = Array.from({ length: 20 }, async (_, turn) => {
        const reading = readWhole(use.catalog, team)
        await another.recordVersion(newVersion(versionId(`chart-${turn}`, '1.0.0')), RULES, actor())
        return reading
      })
      for (const index of await Promise.all(reads)) equal(index?.charts.length, index?.revision)
    })
  })

  describe('readIndexSince', () => {
    beforeEach(async () => {
      await use.publish(newVersion(versionId('a', '1.0.0')))
      await use.publish(newVersion(versionId('b', '1.0.0')))
      await use.publish(newVersion(versionId('b', '2.0.0')))
      await use.catalog.withdrawVersion(versionId('a', '1.0.0'), actor('ci', minutesAfterNoon(1)))
    })

    it('gives only the versions touched since, without a fragment if they are gone', async () => {
      deepEqual(await use.catalog.readIndexSince(team, 2), {
        revision: 4,
        changedAt: minutesAfterNoon(1),
        versions: [changed('b', '2.0.0'), { ...changed('a', '1.0.0'), fragment: undefined }],
      })
      const latest = await use.catalog.readIndexSince(team, 3)
      ok(typeof latest === 'object')
      deepEqual(latest.versions, [{ ...changed('a', '1.0.0'), fragment: undefined }])
    })

    it('gives a version that changed several times once, as it is now', async () => {
      await use.publish(newVersion(versionId('a', '1.0.0')))
      const index = await use.catalog.readIndexSince(team, 0)
      ok(typeof index === 'object')
      deepEqual(index.versions, [changed('a', '1.0.0'), changed('b', '1.0.0'), changed('b', '2.0.0')])
    })

    it('gives no version when nothing has changed', async () => {
      const index = await use.catalog.readIndexSince(team, 4)
      ok(typeof index === 'object')
      deepEqual(index.versions, [])
      equal(index.revision, 4)
    })

    it('says too-old for a revision before the log and for one yet to come', async () => {
      equal(await use.catalog.readIndexSince(team, -1), 'too-old')
      equal(await use.catalog.readIndexSince(team, 5), 'too-old')
    })
  })
}

function changed(name: string, version: string): ChangedVersion {
  const { fragment, ...id } = newVersion(versionId(name, version))
  return { name: id.name, sortKey: versionSortKey(id.version), fragment }
}
