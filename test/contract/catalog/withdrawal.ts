import { deepEqual, equal, ok } from 'node:assert/strict'
import { versionSortKey } from '../../../src/chart/version.ts'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { actor, digestOf, newVersion, provenanceOf, RULES, versionId } from '../../support/catalog-samples.ts'
import { readWhole } from '../../support/whole-index.ts'
import { type CatalogHarness } from './harness.ts'

export function describeWithdrawal(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const demo = versionId('demo', '1.0.0')

  describe('withdrawVersion', () => {
    it('hides the version everywhere and returns it', async () => {
      await use.publish(newVersion(demo))
      const live = await use.catalog.findVersion(demo)
      deepEqual(await use.catalog.withdrawVersion(demo, actor()), live)
      equal(await use.catalog.findVersion(demo), undefined)
      equal(await use.catalog.findByFilename(team, newVersion(demo).filename), undefined)
      deepEqual(await use.catalog.listVersions(team, demo.name), [])
      deepEqual((await readWhole(use.catalog, team))?.charts, [])
      for await (const version of use.catalog.listAllVersions()) ok(false, version.name)
    })

    it('raises the revision, logs the change and audits it', async () => {
      await use.publish(newVersion(demo))
      await use.catalog.withdrawVersion(demo, actor('remover'))
      equal(await use.revision(), 2)
      const changes = await use.catalog.readIndexSince(team, 1)
      ok(typeof changes === 'object')
      deepEqual(changes.versions, [
        { name: 'demo', sortKey: versionSortKey(demo.version), fragment: undefined },
      ])
      const [newest] = await use.catalog.listAudit({ limit: 1 })
      equal(newest?.action, 'delete')
      equal(newest.who, 'remover')
      equal(newest.version, '1.0.0')
    })

    it('finds nothing where there is none, or none any more', async () => {
      equal(await use.catalog.withdrawVersion(demo, actor()), undefined)
      await use.publish(newVersion(demo))
      await use.catalog.withdrawVersion(demo, actor())
      equal(await use.catalog.withdrawVersion(demo, actor()), undefined)
      equal(await use.revision(), 2)
      equal((await use.audit()).length, 3)
    })

    it('lets the same bytes come back', async () => {
      await use.publish(newVersion(demo), 'first')
      await use.catalog.withdrawVersion(demo, actor())
      const again = { ...newVersion(demo), provenance: provenanceOf('signed again') }
      await use.publish(again, 'second')
      const version = await use.catalog.findVersion(demo)
      equal(version?.publishedBy, 'second')
      equal(version.provenance.digest, again.provenance.digest)
      equal((await use.catalog.findTombstone(demo))?.withdrawn, false)
      equal(await use.revision(), 3)
      deepEqual((await use.audit()).at(-1), 'publish done')
    })

    it('lets the same members come back in other bytes, whatever the rules say of them', async () => {
      await use.publish(newVersion(demo, { content: 'packed', members: 'm' }))
      await use.catalog.withdrawVersion(demo, actor())
      const repacked = newVersion(demo, { content: 'packed again', members: 'm' })
      const rules = { ...RULES, sameMembers: 'other' } as const
      const outcome = await use.catalog.recordVersion(repacked, rules, actor())
      ok(outcome.outcome === 'created')
      equal((await use.catalog.findVersion(demo))?.digest, digestOf('packed again'))
    })

    it('refuses other content ever after', async () => {
      await use.publish(newVersion(demo, { content: 'one' }))
      await use.catalog.withdrawVersion(demo, actor())
      deepEqual(await use.catalog.recordVersion(newVersion(demo, { content: 'two' }), RULES, actor()), {
        outcome: 'exists',
        digest: digestOf('one'),
        withdrawn: true,
      })
    })

    it('lets other content come instead of it, as a new version, where the rules release tombstones', async () => {
      await use.publish(newVersion(demo, { content: 'one' }))
      await use.catalog.withdrawVersion(demo, actor())
      const rules = { ...RULES, tombstones: 'release' } as const
      const { outcome } = await use.catalog.recordVersion(
        newVersion(demo, { content: 'two' }),
        rules,
        actor(),
      )
      equal(outcome, 'created')
      equal((await use.catalog.findVersion(demo))?.digest, digestOf('two'))
      deepEqual((await use.audit()).at(-1), 'publish done')
    })

    it('releases nothing that is live', async () => {
      await use.publish(newVersion(demo, { content: 'one' }))
      const rules = { ...RULES, tombstones: 'release' } as const
      const other = newVersion(demo, { content: 'two' })
      equal((await use.catalog.recordVersion(other, rules, actor())).outcome, 'exists')
    })

    it('lets other content take its place where the rules say so', async () => {
      await use.publish(newVersion(demo, { content: 'one' }))
      await use.catalog.withdrawVersion(demo, actor())
      const rules = { ...RULES, onOtherContent: 'replace' } as const
      const { outcome } = await use.catalog.recordVersion(
        newVersion(demo, { content: 'two' }),
        rules,
        actor(),
      )
      equal(outcome, 'replaced')
      equal((await use.catalog.findVersion(demo))?.digest, digestOf('two'))
      deepEqual((await use.audit()).at(-1), 'overwrite done')
    })
  })

  describe('withdrawChart', () => {
    const versions = ['1.9.0', '1.10.0', '1.0.0-rc.1']

    beforeEach(async () => {
      for (const version of versions) await use.publish(newVersion(versionId('demo', version)))
      await use.publish(newVersion(versionId('other', '1.0.0')))
    })

    it('withdraws every version of the chart and returns them, the newest first', async () => {
      const live = await use.catalog.listVersions(team, demo.name)
      deepEqual(await use.catalog.withdrawChart(team, demo.name, actor()), live)
      deepEqual(
        live.map(({ version }) => version),
        ['1.10.0', '1.9.0', '1.0.0-rc.1'],
      )
      deepEqual(await use.catalog.listVersions(team, demo.name), [])
      deepEqual(
        (await readWhole(use.catalog, team))?.charts.map(({ name }) => name),
        ['other'],
      )
    })

    it('counts, logs and audits each as a change of its own', async () => {
      await use.catalog.withdrawChart(team, demo.name, actor('remover'))
      equal(await use.revision(), 7)
      const audit = await use.catalog.listAudit({ limit: 3 })
      deepEqual(
        audit.map(({ action, outcome, who, version }) => [action, outcome, who, version]),
        [
          ['delete', 'done', 'remover', '1.0.0-rc.1'],
          ['delete', 'done', 'remover', '1.9.0'],
          ['delete', 'done', 'remover', '1.10.0'],
        ],
      )
    })

    it('leaves a tombstone of each, and no blob', async () => {
      await use.catalog.withdrawChart(team, demo.name, actor())
      for (const version of versions) {
        equal((await use.catalog.findTombstone(versionId('demo', version)))?.withdrawn, true)
      }
      const referenced = []
      for await (const digest of use.catalog.listReferencedBlobs()) referenced.push(digest)
      equal(referenced.length, 2)
    })

    it('finds nothing where there is none, or none any more, and changes nothing', async () => {
      await use.catalog.withdrawChart(team, demo.name, actor())
      const audited = (await use.audit()).length
      deepEqual(await use.catalog.withdrawChart(team, demo.name, actor()), [])
      deepEqual(await use.catalog.withdrawChart(parseRepositoryName('team-x'), demo.name, actor()), [])
      equal(await use.revision(), 7)
      equal((await use.audit()).length, audited)
    })
  })

  describe('countVersions', () => {
    it('counts the live versions of each chart, in order of name', async () => {
      deepEqual(await use.catalog.countVersions(team), [])
      for (const [name, version] of [
        ['demo', '1.0.0'],
        ['demo', '2.0.0'],
        ['alpha', '1.0.0'],
        ['gone', '1.0.0'],
      ] as const) {
        await use.publish(newVersion(versionId(name, version)))
      }
      await use.catalog.withdrawVersion(versionId('gone', '1.0.0'), actor())
      deepEqual(await use.catalog.countVersions(team), [
        { name: 'alpha', versions: 1 },
        { name: 'demo', versions: 2 },
      ])
      deepEqual(await use.catalog.countVersions(parseRepositoryName('team-x')), [])
    })
  })
}
