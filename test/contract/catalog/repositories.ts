import { deepEqual, equal } from 'node:assert/strict'
import { parseRepositoryName, ROOT_REPOSITORY } from '../../../src/chart/repository-name.ts'
import { actor, minutesAfterNoon, newVersion, NOON, versionId } from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

export function describeRepositories(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const demo = versionId('demo', '1.0.0')

  describe('repositories', () => {
    it('starts without any, the root one included', async () => {
      deepEqual(await use.catalog.listRepositories(), [])
      equal(await use.catalog.findRepository(ROOT_REPOSITORY), undefined)
    })

    it('creates one at revision 0, with an audit row', async () => {
      equal(await use.catalog.createRepository(team, actor()), 'created')
      deepEqual(await use.catalog.findRepository(team), {
        name: team,
        revision: 0,
        createdAt: NOON,
        changedAt: NOON,
        versions: 0,
        bytes: 0,
      })
      deepEqual(await use.audit(), ['create-repository done'])
    })

    it('leaves one that exists as it is, without an audit row', async () => {
      await use.catalog.createRepository(team, actor())
      equal(await use.catalog.createRepository(team, actor('other', minutesAfterNoon(5))), 'exists')
      deepEqual((await use.catalog.findRepository(team))?.createdAt, NOON)
      deepEqual(await use.audit(), ['create-repository done'])
    })

    it('lists them by name, bytewise', async () => {
      for (const each of ['b', 'a/b', 'a-b', '', 'a']) {
        await use.catalog.createRepository(parseRepositoryName(each), actor())
      }
      const names = (await use.catalog.listRepositories()).map((repository) => repository.name)
      deepEqual(names, ['', 'a', 'a-b', 'a/b', 'b'])
    })

    it('keeps the revision of each apart', async () => {
      await use.publish(newVersion(demo))
      await use.publish(newVersion(versionId('demo', '1.0.0', 'team-b')))
      await use.publish(newVersion(versionId('demo', '2.0.0', 'team-b')))
      deepEqual(
        (await use.catalog.listRepositories()).map((repository) => repository.revision),
        [1, 2],
      )
    })
  })
}
