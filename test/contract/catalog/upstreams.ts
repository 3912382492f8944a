import { deepEqual, equal } from 'node:assert/strict'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { actor, digestOf, minutesAfterNoon, NOON } from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

export function describeUpstreams(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const opened = { name: 'up', url: 'https://up.example.org', listed: true }

  describe("an upstream's record", () => {
    const validators = { etag: '"1"', lastModified: 'Thu', digest: digestOf('index'), settings: 'all' }

    beforeEach(() => use.catalog.createRepository(team, actor()))

    it('tells of the last reading, and of a failure since', async () => {
      await use.catalog.offers.openUpstream(team, opened, actor())
      const [empty] = await use.catalog.offers.listUpstreams(team)
      deepEqual([empty?.checkedAt, empty?.validators.settings], [undefined, ''])
      const { offers } = use.catalog
      await offers.noteReading(team, 'up', { kind: 'changed', at: NOON, entries: 3, refused: 1, validators })
      await offers.noteReading(team, 'up', { kind: 'unchanged', at: minutesAfterNoon(1) })
      const failure = { at: minutesAfterNoon(2), reason: 'it answered 500' }
      await offers.noteReading(team, 'up', { kind: 'failed', ...failure })
      const record = {
        name: 'up',
        url: 'https://up.example.org',
        listed: true,
        checkedAt: minutesAfterNoon(1),
        changedAt: NOON,
        entries: 3,
        refused: 1,
        validators,
        failure,
      }
      deepEqual(await offers.listUpstreams(team), [record])
      await offers.noteReading(team, 'up', { kind: 'unchanged', at: minutesAfterNoon(3) })
      equal((await offers.listUpstreams(team))[0]?.failure, undefined)
    })

    it('is made in a known repository only', async () => {
      const unknown = parseRepositoryName('unknown')
      equal(await use.catalog.offers.openUpstream(unknown, opened, actor()), 'repository-unknown')
      deepEqual(await use.catalog.offers.listUpstreams(unknown), [])
    })
  })

  describe('a lease', () => {
    it('is held by one owner at a time, each by its name, until it is released or out of date', async () => {
      const { offers } = use.catalog
      const other = (await use.open()).offers
      const times = { now: NOON, until: minutesAfterNoon(1) }
      equal(await offers.takeLease('work', 'one', times), 'held')
      equal(await other.takeLease('work', 'two', times), 'held-elsewhere')
      equal(await other.takeLease('other work', 'two', times), 'held')
      await other.releaseLease('work', 'two')
      equal(await offers.takeLease('work', 'one', times), 'held')
      const past = { now: minutesAfterNoon(2), until: minutesAfterNoon(3) }
      equal(await other.takeLease('work', 'two', past), 'held')
      await other.releaseLease('work', 'two')
      equal(await offers.takeLease('work', 'one', times), 'held')
    })
  })
}
