import { deepEqual, equal, ok } from 'node:assert/strict'
import { versionSortKey } from '../../../src/chart/version.ts'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import {
  actor,
  digestOf,
  newVersion,
  NOON,
  provenanceOf,
  RULES,
  SEEN_NOTHING,
  versionId,
} from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

export function describePurging(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const demo = versionId('demo', '1.0.0')
  const copy = versionId('demo', '1.0.0', 'team-b')
  const leak = { content: 'leak', members: 'secret' }
  const everywhere = { repository: 'everywhere', reason: 'a password' } as const

  describe('purge', () => {
    it('withdraws every version with the same bytes or members, and audits each with the reason', async () => {
      await use.publish(newVersion(demo, leak))
      await use.publish(newVersion(copy, { content: 'leak in other bytes', members: 'secret' }))
      await use.publish(newVersion(versionId('demo', '2.0.0')))
      const { versions } = await use.catalog.purge(digestOf('leak'), everywhere, actor('operator'))
      deepEqual(
        versions.map(({ repository, version }) => `${repository} ${version}`),
        ['team-a 1.0.0', 'team-b 1.0.0'],
      )
      for (const id of [demo, copy]) equal(await use.catalog.findVersion(id), undefined)
      ok(await use.catalog.findVersion(versionId('demo', '2.0.0')))
      const rows = await use.catalog.listAudit({ limit: 9, action: 'purge' })
      deepEqual(
        rows.map(({ who, repository, chart, version, detail }) => [who, repository, chart, version, detail]),
        ['team-b', 'team-a'].map((repository) => ['operator', repository, 'demo', '1.0.0', 'a password']),
      )
    })

    it('shows in the index, and keeps nothing of its entry', async () => {
      await use.publish(newVersion(demo, leak))
      await use.catalog.purge(digestOf('leak'), everywhere, actor())
      const changes = await use.catalog.readIndexSince(team, 1)
      ok(typeof changes === 'object')
      deepEqual(changes.versions, [
        { name: 'demo', sortKey: versionSortKey(demo.version), fragment: undefined },
      ])
      equal((await use.catalog.findTombstone(demo))?.withdrawn, true)
    })

    it('hands out the blobs of archive and provenances at once, but none that is still named', async () => {
      await use.publish(newVersion(demo, leak))
      await use.catalog.replaceProvenance(demo, digestOf('leak'), provenanceOf('new'), SEEN_NOTHING, actor())
      await use.publish(newVersion(copy, { ...leak, members: 'secret' }))
      const here = await use.catalog.purge(digestOf('leak'), { ...everywhere, repository: team }, actor())
      deepEqual(here.blobs, [provenanceOf('new').digest])
      ok(await use.catalog.findVersion(copy))
      const all = await use.catalog.purge(digestOf('leak'), everywhere, actor())
      deepEqual(all.blobs.toSorted(), [digestOf('leak'), provenanceOf('leak').digest].toSorted())
      await use.catalog.blobsDeleted(all.blobs)
      const marks = await use.catalog.markBlobs([digestOf('leak')])
      equal(marks.get(digestOf('leak')), 1)
    })

    it('gives the blob of a version that was withdrawn before, also while gc is deleting it', async () => {
      await use.publish(newVersion(demo, leak))
      await use.catalog.withdrawVersion(demo, actor())
      await use.handOut(digestOf('leak'), NOON)
      const { versions, blobs } = await use.catalog.purge(digestOf('leak'), everywhere, actor())
      deepEqual([versions, blobs], [[], [digestOf('leak')]])
      const [row] = await use.catalog.listAudit({ limit: 1 })
      equal(row?.detail, `sha256:${digestOf('leak')}: a password`)
    })

    it('keeps the content from coming back under any name, whatever the rules, and takes other content', async () => {
      await use.publish(newVersion(demo, leak))
      await use.catalog.purge(digestOf('leak'), everywhere, actor())
      const rules = { ...RULES, onOtherContent: 'replace', tombstones: 'release' } as const
      for (const version of [
        newVersion(demo, leak),
        newVersion(demo, { content: 'packed again', members: 'secret' }),
        newVersion(versionId('demo', '9.0.0', 'team-c'), leak),
      ]) {
        deepEqual(await use.catalog.recordVersion(version, rules, actor()), { outcome: 'purged' })
      }
      const fixed = newVersion(demo, { content: 'without the secret' })
      equal((await use.catalog.recordVersion(fixed, rules, actor())).outcome, 'created')
    })

    it('lets other repositories have it where it was purged from one', async () => {
      await use.publish(newVersion(demo, leak))
      await use.catalog.purge(digestOf('leak'), { ...everywhere, repository: team }, actor())
      const content = { digest: digestOf('leak'), contentDigest: digestOf('members secret') }
      equal(await use.catalog.isPurged({ repository: team, ...content }), true)
      equal(await use.catalog.isPurged({ repository: copy.repository, ...content }), false)
    })
  })
}
