import { deepEqual, equal, notEqual } from 'node:assert/strict'
import { type ChangeEvent, type WebhookProgress } from '../../../src/catalog/outbox.ts'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import {
  actor,
  minutesAfterNoon,
  newVersion,
  NOON,
  provenanceOf,
  RULES,
  SEEN_NOTHING,
  versionId,
} from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

export function describeOutbox(use: CatalogHarness): void {
  const A = 'https://a.example.org/hook'
  const B = 'https://b.example.org/hook'
  const demo = versionId('demo', '1.0.0')
  const EVER = { at: NOON, forgetBefore: new Date(0) }

  async function events(after = 0): Promise<readonly ChangeEvent[]> {
    return use.catalog.outbox.listEvents(after, 100)
  }

  async function kinds(): Promise<readonly string[]> {
    return (await events()).map(({ kind }) => kind)
  }

  async function progress(url: string, change: Partial<WebhookProgress> & { cursor: number }): Promise<void> {
    await use.catalog.outbox.recordProgress(url, { attempts: 0, ...change })
  }

  async function publish(version: string): Promise<void> {
    await use.publish(newVersion(versionId('demo', version)))
  }

  describe('the outbox', () => {
    it('keeps no event where there is no webhook', async () => {
      await publish('1.0.0')
      deepEqual(await events(), [])
      deepEqual(await use.catalog.outbox.listWebhooks(), [])
    })

    it('has every change in order, with what a receiver wants to know', async () => {
      await use.catalog.outbox.registerWebhooks([A], EVER)
      await use.publish(newVersion(demo))
      const other = newVersion(demo, { content: 'other' })
      await use.catalog.recordVersion(other, { ...RULES, onOtherContent: 'replace' }, actor('admin'))
      const { digest } = other
      await use.catalog.replaceProvenance(demo, digest, provenanceOf('new'), SEEN_NOTHING, actor())
      await use.catalog.withdrawVersion(demo, actor('admin', minutesAfterNoon(1)))
      deepEqual(await kinds(), ['publish', 'overwrite', 'attach-provenance', 'delete'])
      const all = await events()
      const [first, last] = [all[0], all.at(-1)]
      equal(first?.digest, newVersion(demo).digest)
      notEqual(first.id, last?.id)
      deepEqual(last, {
        sequence: 4,
        id: last?.id,
        kind: 'delete',
        repository: demo.repository,
        chart: demo.name,
        version: demo.version,
        digest,
        at: minutesAfterNoon(1),
        by: 'admin',
      })
      deepEqual(
        (await events(2)).map(({ sequence }) => sequence),
        [3, 4],
      )
    })

    it('has no event of what changed nothing, or was refused', async () => {
      await use.catalog.outbox.registerWebhooks([A], EVER)
      await publish('1.0.0')
      await use.catalog.recordVersion(newVersion(demo), RULES, actor())
      await use.catalog.recordVersion(newVersion(demo, { content: 'other' }), RULES, actor())
      await use.catalog.withdrawVersion(versionId('demo', '9.0.0'), actor())
      deepEqual(await kinds(), ['publish'])
    })

    it('tells of a purge as a deletion', async () => {
      await use.catalog.outbox.registerWebhooks([A], EVER)
      await use.publish(newVersion(demo))
      const { digest } = newVersion(demo)
      await use.catalog.purge(digest, { repository: 'everywhere', reason: 'leaked' }, actor())
      deepEqual(await kinds(), ['publish', 'delete'])
    })

    it('keeps the events of a repository that is renamed or deleted', async () => {
      await use.catalog.outbox.registerWebhooks([A], EVER)
      await use.publish(newVersion(demo))
      const other = parseRepositoryName('other')
      await use.catalog.renameRepository(demo.repository, other, actor())
      await use.catalog.deleteRepository(other, 'delete', actor())
      deepEqual(
        (await events()).map(({ kind, repository }) => `${kind} ${repository}`),
        ['publish team-a'],
      )
    })

    it('starts a new webhook with what comes next, and leaves the others where they are', async () => {
      await use.catalog.outbox.registerWebhooks([A], EVER)
      await publish('1.0.0')
      await use.catalog.outbox.registerWebhooks([A, B], EVER)
      await publish('2.0.0')
      deepEqual(await use.catalog.outbox.listWebhooks(), [
        { url: A, cursor: 0, attempts: 0, backlog: 2 },
        { url: B, cursor: 1, attempts: 0, backlog: 1 },
      ])
    })

    it('removes an event once every webhook is done with it, and never gives its number to another', async () => {
      await use.catalog.outbox.registerWebhooks([A, B], EVER)
      await publish('1.0.0')
      await publish('2.0.0')
      await progress(A, { cursor: 2 })
      equal((await events()).length, 2)
      await progress(B, { cursor: 1 })
      deepEqual(
        (await events()).map(({ version }) => version),
        ['2.0.0'],
      )
      await progress(B, { cursor: 2 })
      deepEqual(await events(), [])
      await publish('3.0.0')
      deepEqual(
        (await events()).map(({ sequence }) => sequence),
        [3],
      )
    })

    it('keeps what became of the attempts, for every process and the next start', async () => {
      await use.catalog.outbox.registerWebhooks([A], EVER)
      await publish('1.0.0')
      const failure = { at: NOON, reason: 'the receiver answered 500' }
      const next = { nextAttemptAt: minutesAfterNoon(1) }
      await progress(A, { cursor: 0, attempts: 3, ...next, failure })
      const { outbox } = await use.open()
      deepEqual(await outbox.findWebhook(A), { url: A, cursor: 0, backlog: 1, attempts: 3, ...next, failure })
      await progress(A, { cursor: 1 })
      deepEqual(await outbox.findWebhook(A), { url: A, cursor: 1, backlog: 0, attempts: 0, failure })
    })

    it('moves no cursor back, and none of a webhook that it does not know', async () => {
      await use.catalog.outbox.registerWebhooks([A], EVER)
      await publish('1.0.0')
      await progress(A, { cursor: 1 })
      await progress(A, { cursor: 0, attempts: 5 })
      await progress(B, { cursor: 1 })
      deepEqual(await use.catalog.outbox.listWebhooks(), [{ url: A, cursor: 1, attempts: 0, backlog: 0 }])
    })

    it('forgets a webhook that nobody has named for long, and with the last one all events', async () => {
      const { outbox } = use.catalog
      await outbox.registerWebhooks([A, B], EVER)
      await publish('1.0.0')
      await outbox.registerWebhooks([A], { at: minutesAfterNoon(9), forgetBefore: minutesAfterNoon(0) })
      equal((await outbox.listWebhooks()).length, 2)
      await outbox.registerWebhooks([A], { at: minutesAfterNoon(9), forgetBefore: minutesAfterNoon(1) })
      deepEqual(
        (await outbox.listWebhooks()).map(({ url }) => url),
        [A],
      )
      await outbox.registerWebhooks([], { at: minutesAfterNoon(20), forgetBefore: minutesAfterNoon(10) })
      await publish('2.0.0')
      deepEqual([await outbox.listWebhooks(), await events()], [[], []])
    })

    it('goes on where a webhook was, however long nobody was there to name it', async () => {
      const { outbox } = use.catalog
      await outbox.registerWebhooks([A], EVER)
      await publish('1.0.0')
      await outbox.registerWebhooks([A], { at: minutesAfterNoon(9), forgetBefore: minutesAfterNoon(5) })
      equal((await outbox.findWebhook(A))?.backlog, 1)
    })

    it('is delivered by the one process that holds the lease, until it gives it up or is out of date', async () => {
      const [{ outbox }, other] = [use.catalog, (await use.open()).outbox]
      const at = (minutes: number) => ({
        now: minutesAfterNoon(minutes),
        until: minutesAfterNoon(minutes + 2),
      })
      equal(await outbox.takeLease('one', at(0)), 'held')
      equal(await other.takeLease('two', at(1)), 'held-elsewhere')
      equal(await outbox.takeLease('one', at(1)), 'held')
      equal(await other.takeLease('two', at(2)), 'held-elsewhere')
      equal(await other.takeLease('two', at(3)), 'held')
      await outbox.releaseLease('one')
      equal(await outbox.takeLease('one', at(4)), 'held-elsewhere')
      await other.releaseLease('two')
      equal(await outbox.takeLease('one', at(4)), 'held')
    })
  })
}
