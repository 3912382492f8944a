import { deepEqual, equal, ok } from 'node:assert/strict'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { actor, digestOf, newVersion, provenanceOf, RULES, versionId } from '../../support/catalog-samples.ts'
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
      deepEqual((await use.catalog.readIndex(team))?.charts, [])
      for await (const version of use.catalog.listAllVersions()) ok(false, version.name)
    })

    it('raises the revision, logs the change and audits it', async () => {
      await use.publish(newVersion(demo))
      await use.catalog.withdrawVersion(demo, actor('remover'))
      equal(await use.revision(), 2)
      const changes = await use.catalog.readIndexSince(team, 1)
      ok(typeof changes === 'object')
      deepEqual(changes.charts, [{ name: 'demo', fragments: [] }])
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
}
