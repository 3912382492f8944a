import { deepEqual, equal } from 'node:assert/strict'
import { type NewVersion, type Quota } from '../../../src/catalog/catalog.ts'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { actor, newVersion, RULES, versionId } from '../../support/catalog-samples.ts'
import { type CatalogHarness } from './harness.ts'

export function describeQuotas(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')

  /** An archive of as many bytes as the text has. */
  function sized(version: string, content: string): NewVersion {
    return newVersion(versionId('demo', version), { content })
  }

  async function record(version: NewVersion, quota: Quota, rules = RULES): Promise<string> {
    return (await use.catalog.recordVersion(version, { ...rules, quota }, actor())).outcome
  }

  async function held(): Promise<readonly [number, number]> {
    const repository = await use.catalog.findRepository(team)
    return [repository?.versions ?? 0, repository?.bytes ?? 0]
  }

  describe('quotas', () => {
    it('take what fits exactly, and nothing beyond', async () => {
      equal(await record(sized('1.0.0', 'abcd'), { versions: 2, bytes: 6 }), 'created')
      deepEqual(
        await use.catalog.recordVersion(sized('2.0.0', 'efg'), { ...RULES, quota: { bytes: 6 } }, actor()),
        { outcome: 'quota-exceeded', versions: 1, bytes: 4 },
      )
      equal(await record(sized('2.0.0', 'ef'), { versions: 2, bytes: 6 }), 'created')
      equal(await record(sized('3.0.0', 'g'), { versions: 2 }), 'quota-exceeded')
      deepEqual(await held(), [2, 6])
      equal((await use.audit()).filter((row) => row.startsWith('publish')).length, 2)
    })

    it('keep a repository from being made by what they refuse', async () => {
      equal(await record(sized('1.0.0', 'abcd'), { bytes: 3 }), 'quota-exceeded')
      equal(await use.catalog.findRepository(team), undefined)
    })

    it('let the same content be published again, and a version be replaced by one that is not larger', async () => {
      const full = { versions: 1, bytes: 4 }
      const replacing = { ...RULES, onOtherContent: 'replace' } as const
      equal(await record(sized('1.0.0', 'abcd'), full), 'created')
      equal(await record(sized('1.0.0', 'abcd'), full), 'unchanged')
      equal(await record(sized('1.0.0', 'wxyz'), full, replacing), 'replaced')
      equal(await record(sized('1.0.0', 'wxyz!'), full, replacing), 'quota-exceeded')
      equal(await record(sized('1.0.0', 'ab'), { bytes: 1 }, replacing), 'replaced')
      deepEqual(await held(), [1, 2])
    })

    it('count no version that was withdrawn, until it comes back', async () => {
      const one = { versions: 1 }
      await record(sized('1.0.0', 'abcd'), one)
      await use.catalog.withdrawVersion(versionId('demo', '1.0.0'), actor())
      deepEqual(await held(), [0, 0])
      equal(await record(sized('2.0.0', 'ef'), one), 'created')
      equal(await record(sized('1.0.0', 'abcd'), one), 'quota-exceeded')
      equal(await record(sized('1.0.0', 'abcd'), { versions: 2 }), 'created')
      deepEqual(await held(), [2, 6])
    })

    it('are not exceeded by publishes that race in several processes', async () => {
      const catalogs = [use.catalog, await use.open(), await use.open()]
      const outcomes = await Promise.all(
        Array.from({ length: 12 }, async (_, turn) => {
          const catalog = catalogs[turn % catalogs.length] ?? use.catalog
          const rules = { ...RULES, quota: { versions: 5 } }
          return (await catalog.recordVersion(sized(`1.0.${turn}`, 'x'.repeat(turn + 1)), rules, actor()))
            .outcome
        }),
      )
      equal(outcomes.filter((outcome) => outcome === 'created').length, 5)
      equal(outcomes.filter((outcome) => outcome === 'quota-exceeded').length, 7)
      equal((await held())[0], 5)
    })
  })
}
