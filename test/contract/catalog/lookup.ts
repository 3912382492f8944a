import { deepEqual, equal, ok } from 'node:assert/strict'
import { findArchiveFilename } from '../../../src/chart/filename.ts'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { actor, newVersion, versionId } from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

export function describeLookup(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const demo = versionId('demo', '1.0.0')

  describe('looking up', () => {
    it('finds nothing in an empty catalog', async () => {
      const filename = findArchiveFilename('demo-1.0.0.tgz')
      ok(filename)
      equal(await use.catalog.findVersion(demo), undefined)
      equal(await use.catalog.findByFilename(team, filename), undefined)
      equal(await use.catalog.findTombstone(demo), undefined)
      deepEqual(await use.catalog.listVersions(team, demo.name), [])
    })

    it('keeps repositories apart', async () => {
      await use.publish(newVersion(demo))
      equal(await use.catalog.findVersion(versionId('demo', '1.0.0', 'team-b')), undefined)
      equal(await use.catalog.findVersion(versionId('demo', '1.0.0', '')), undefined)
    })

    it('looks a download up by its whole file name', async () => {
      const owner = versionId('a-1.0.0', '2.0.0')
      const filename = findArchiveFilename('a-1.0.0-2.0.0.tgz')
      ok(filename)
      await use.publish(newVersion(owner))
      equal((await use.catalog.findByFilename(team, filename))?.name, 'a-1.0.0')
    })

    it('compares texts bytewise: build metadata in other case is another version', async () => {
      await use.publish(newVersion(versionId('demo', '1.0.0+A')))
      equal(await use.catalog.findVersion(versionId('demo', '1.0.0+a')), undefined)
      await use.publish(newVersion(versionId('demo', '1.0.0+a')))
    })

    it('tells what is recorded under a name, live or withdrawn', async () => {
      const { digest, contentDigest } = newVersion(demo)
      await use.publish(newVersion(demo))
      deepEqual(await use.catalog.findTombstone(demo), { digest, contentDigest, withdrawn: false })
      await use.catalog.withdrawVersion(demo, actor())
      deepEqual(await use.catalog.findTombstone(demo), { digest, contentDigest, withdrawn: true })
    })

    it('lists the versions of a chart from the newest, in SemVer order', async () => {
      const newestFirst = ['v10.0.0', '2.0.0', '2.0.0-rc.10', '2.0.0-rc.9', '2.0.0-rc', '1.10.0', '1.9.0']
      for (const version of newestFirst.toSorted()) await use.publish(newVersion(versionId('demo', version)))
      await use.publish(newVersion(versionId('demos', '3.0.0')))
      const listed = await use.catalog.listVersions(team, demo.name)
      deepEqual(
        listed.map((version) => version.version),
        newestFirst,
      )
    })

    it('lists the names of charts in order, also of those that are withdrawn', async () => {
      const names = ['b', 'a', 'a-b', 'a.b']
      for (const name of names) await use.publish(newVersion(versionId(name, '1.0.0')))
      await use.publish(newVersion(versionId('b', '2.0.0')))
      await use.publish(newVersion(versionId('elsewhere', '1.0.0', 'team-b')))
      await use.catalog.withdrawVersion(versionId('a', '1.0.0'), actor())
      deepEqual(await use.catalog.listChartNames(team), { revision: 6, names: names.toSorted() })
      equal(await use.catalog.listChartNames(parseRepositoryName('unknown')), undefined)
    })

    it('lists every live version of every repository with its provenance', async () => {
      await use.publish(newVersion(versionId('a', '1.0.0')))
      await use.publish(newVersion(versionId('b', '1.0.0', 'team-b')))
      await use.publish(newVersion(versionId('c', '1.0.0')))
      await use.catalog.withdrawVersion(versionId('c', '1.0.0'), actor())
      const listed: string[] = []
      for await (const version of use.catalog.listAllVersions()) {
        listed.push(`${version.repository} ${version.name}`)
        deepEqual(await use.catalog.findVersion(version), version)
      }
      deepEqual(listed.toSorted(), ['team-a a', 'team-b b'])
    })
  })
}
