import { deepEqual, equal, ok } from 'node:assert/strict'
import { type AuditEntry, type AuditQuery } from '../../../src/catalog/catalog.ts'
import { parseRepositoryName, ROOT_REPOSITORY } from '../../../src/chart/repository-name.ts'
import { actor, minutesAfterNoon, newVersion, NOON, RULES, versionId } from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

const team = parseRepositoryName('team-a')

function entry(detail: string, overrides: Partial<AuditEntry> = {}): AuditEntry {
  return { ...actor(), action: 'publish', outcome: 'done', detail, ...overrides }
}

export function describeAudit(use: CatalogHarness): void {
  async function details(query: Partial<AuditQuery> = {}): Promise<readonly (string | undefined)[]> {
    return (await use.catalog.listAudit({ limit: 100, ...query })).map(({ detail }) => detail)
  }

  describe('listAudit', () => {
    it('gives the newest entries first, as many as asked for', async () => {
      await use.catalog.appendAudit(entry('first'))
      await use.catalog.appendAudit(entry('second'), entry('third'))
      await use.catalog.appendAudit(entry('of an hour before', { at: minutesAfterNoon(-60) }))
      deepEqual(await details({ limit: 3 }), ['third', 'second', 'first'])
      deepEqual((await details()).at(-1), 'of an hour before')
    })

    it('keeps every field, and tells the root repository from none', async () => {
      const bare = { ...actor(), action: 'admin', outcome: 'done' } as const
      const full = {
        ...actor('someone'),
        action: 'publish',
        outcome: 'refused',
        repository: ROOT_REPOSITORY,
        chart: 'demo',
        version: 'not even a version',
        detail: 'no grant',
      } as const
      await use.catalog.appendAudit(bare, full)
      const [last, first] = await use.catalog.listAudit({ limit: 9 })
      ok(last && first && last.id !== first.id)
      deepEqual(
        [last, first],
        [
          { ...full, id: last.id },
          { ...bare, id: first.id },
        ],
      )
    })

    it('has the detail that comes with the actor of a change', async () => {
      const sample = newVersion(versionId('demo', '1.0.0'))
      const because = { ...actor(), detail: 'because' }
      await use.catalog.recordVersion(sample, RULES, because)
      await use.catalog.recordVersion(sample, RULES, because)
      await use.catalog.withdrawVersion(sample, { ...because, detail: 'for another reason' })
      deepEqual(await details(), ['for another reason', 'because', 'because', 'because'])
    })

    it('appends all or nothing', async () => {
      const broken = { ...entry('broken'), outcome: 'dreamt' } as unknown as AuditEntry
      await use.catalog.appendAudit(entry('sound'), broken).catch(() => 'refused')
      deepEqual(await details(), [])
    })

    const CI = 'built-in cn:"ci"'
    const FILTERS: readonly (readonly [string, Partial<AuditQuery>, readonly string[]])[] = [
      ['everything', {}, ['e', 'd', 'c', 'b', 'a']],
      ['since a time, included', { since: minutesAfterNoon(3) }, ['e', 'd']],
      ['until a time, not included', { until: minutesAfterNoon(1) }, ['a']],
      ['between two times', { since: minutesAfterNoon(1), until: minutesAfterNoon(3) }, ['c', 'b']],
      ['who, by the name in quotation marks', { who: 'ci' }, ['c', 'a']],
      ['who, by the whole name', { who: CI }, ['a']],
      ['who, by a name without quotation marks', { who: 'cli:root' }, ['d']],
      ['who, by half a name', { who: 'c' }, []],
      ['a repository', { repository: team }, ['d', 'b']],
      ['the root repository', { repository: ROOT_REPOSITORY }, ['a']],
      ['an action', { action: 'delete' }, ['e', 'c']],
      ['an outcome', { outcome: 'refused' }, ['e', 'b']],
      ['all of these', { who: 'ci', action: 'delete', outcome: 'done', since: NOON }, ['c']],
    ]

    async function appendSamples(): Promise<void> {
      await use.catalog.appendAudit(
        entry('a', { ...actor(CI), repository: ROOT_REPOSITORY }),
        entry('b', {
          ...actor('built-in cn:"cd"', minutesAfterNoon(1)),
          outcome: 'refused',
          repository: team,
        }),
        entry('c', { ...actor('company dns:"ci"', minutesAfterNoon(2)), action: 'delete' }),
        entry('d', { ...actor('cli:root', minutesAfterNoon(3)), repository: team }),
        entry('e', { ...actor('configuration', minutesAfterNoon(4)), action: 'delete', outcome: 'refused' }),
      )
    }

    for (const [what, query, expected] of FILTERS) {
      it(`finds ${what}`, async () => {
        await appendSamples()
        deepEqual(await details(query), expected)
      })
    }

    it('is read page by page, whatever comes and goes meanwhile', async () => {
      const at = minutesAfterNoon(1)
      await use.catalog.appendAudit(
        entry('oldest'),
        ...['a', 'b', 'c', 'd'].map((name) => entry(name, { at })),
      )
      const first = await use.catalog.listAudit({ limit: 2 })
      deepEqual(
        first.map(({ detail }) => detail),
        ['d', 'c'],
      )
      await use.catalog.appendAudit(entry('newest', { at: minutesAfterNoon(2) }))
      const before = first.at(-1)
      ok(before)
      deepEqual(await details({ before }), ['b', 'a', 'oldest'])
      deepEqual(await details({ before, since: at, limit: 1 }), ['b'])
      await use.catalog.pruneAudit('all', minutesAfterNoon(9))
      await use.catalog.appendAudit(entry('later, of long ago'))
      deepEqual(await details({ before }), ['later, of long ago'])
    })
  })

  describe('pruneAudit', () => {
    it('removes what is older, and says how many', async () => {
      const old = Array.from({ length: 1100 }, (_, place) => entry(`old ${place}`))
      await use.catalog.appendAudit(...old, entry('kept', { at: minutesAfterNoon(1) }))
      equal(await use.catalog.pruneAudit('all', minutesAfterNoon(1)), 1100)
      deepEqual(await details(), ['kept'])
      equal(await use.catalog.pruneAudit('all', minutesAfterNoon(1)), 0)
    })

    it('removes the reads that were done, and no others, where it is told so', async () => {
      await use.catalog.appendAudit(
        entry('read', { action: 'read' }),
        entry('refused read', { action: 'read', outcome: 'refused' }),
        entry('change'),
        entry('new read', { action: 'read', at: minutesAfterNoon(2) }),
      )
      equal(await use.catalog.pruneAudit('reads', minutesAfterNoon(1)), 1)
      deepEqual(await details(), ['new read', 'change', 'refused read'])
    })
  })
}
