import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isPrerelease, parseChartVersion, versionSortKey } from '../../../src/chart/version.ts'
import { findSurplus, type Retention } from '../../../src/repository/retention.ts'

const NOW = new Date('2026-03-04T12:00:00Z')
const DAY = 86_400_000

interface Published {
  readonly version: ReturnType<typeof parseChartVersion>
  readonly publishedAt: Date
}

function published(version: string, daysAgo: number): Published {
  return { version: parseChartVersion(version), publishedAt: new Date(NOW.getTime() - daysAgo * DAY) }
}

/** `1.0.0@30`: version 1.0.0, published 30 days ago. */
function parse(text: string): Published {
  const [version = '', days = '0'] = text.split('@')
  return published(version, Number(days))
}

interface Case {
  readonly what: string
  readonly retention: Retention
  readonly versions: string
  /** The oldest first. */
  readonly goes: string
}

const CASES: readonly Case[] = [
  { what: 'keeps all without a rule', retention: {}, versions: '1.0.0@900 2.0.0@900', goes: '' },
  {
    what: 'keeps the newest by SemVer, not by text or time',
    retention: { keepVersions: 2 },
    versions: '9.0.0@1 10.0.0@50 2.0.0@0 1.0.0@0',
    goes: '1.0.0 2.0.0',
  },
  {
    what: 'counts pre-releases among the newest',
    retention: { keepVersions: 2 },
    versions: '1.0.0@1 2.0.0-rc.1@1 2.0.0@1',
    goes: '1.0.0',
  },
  {
    what: 'keeps the newest stable version behind any number of newer pre-releases',
    retention: { keepVersions: 1 },
    versions: '1.0.0@9 1.1.0@9 2.0.0-a@9 2.0.0-b@9',
    goes: '1.0.0 2.0.0-a',
  },
  {
    what: 'keeps what is young',
    retention: { keepFor: 30 * DAY },
    versions: '1.0.0@31 1.1.0@30 1.2.0@2',
    goes: '1.0.0',
  },
  {
    what: 'keeps the newest stable version however old it is',
    retention: { keepFor: 30 * DAY },
    versions: '1.0.0@900 1.1.0@900 1.2.0-rc.1@900',
    goes: '1.0.0 1.2.0-rc.1',
  },
  {
    what: 'keeps the newest of a chart that has no stable version',
    retention: { keepFor: 30 * DAY },
    versions: '1.0.0-a@900 1.0.0-b@900',
    goes: '1.0.0-a',
  },
  {
    what: 'lets go only what both rules let go',
    retention: { keepVersions: 2, keepFor: 30 * DAY },
    versions: '1.0.0@31 1.1.0@3 1.2.0@40 1.3.0@40',
    goes: '1.0.0',
  },
  {
    what: 'tells apart versions that differ in build metadata alone',
    retention: { keepVersions: 1 },
    versions: '1.0.0+a@9 1.0.0+b@9',
    goes: '1.0.0+a',
  },
  { what: 'has nothing to say of no versions', retention: { keepVersions: 1 }, versions: '', goes: '' },
]

describe('findSurplus', () => {
  for (const { what, retention, versions, goes } of CASES) {
    it(what, () => {
      const all = versions.split(' ').filter(Boolean).map(parse)
      const surplus = findSurplus(all, retention, NOW)
      assert.equal(surplus.map(({ version }) => version.version).join(' '), goes)
    })
  }

  it('gives the reason of every rule', () => {
    const versions = [published('1.0.0', 31.5), published('2.0.0', 1)]
    const [surplus] = findSurplus(versions, { keepVersions: 1, keepFor: 30 * DAY }, NOW)
    assert.equal(surplus?.reason, 'not among the newest 1, published 31 days ago')
  })

  const number = fc.integer({ min: 0, max: 3 })
  const suffix = fc.constantFrom('', '', '-a', '-b.1', '+x')
  const anyVersion = fc
    .tuple(number, number, suffix, fc.integer({ min: 0, max: 60 }))
    .map(([major, minor, end, days]) => published(`${major}.${minor}.0${end}`, days))
  const anyRetention = fc.record(
    { keepVersions: fc.integer({ min: 1, max: 5 }), keepFor: fc.integer({ min: 0, max: 60 }).map(toDays) },
    { requiredKeys: [] },
  )
  const anyVersions = fc.uniqueArray(anyVersion, { selector: ({ version }) => version, maxLength: 20 })

  function toDays(days: number): number {
    return days * DAY
  }

  it('never lets go the newest stable version, nor every version', () => {
    fc.assert(
      fc.property(anyVersions, anyRetention, (versions, retention) => {
        const gone = new Set(findSurplus(versions, retention, NOW).map(({ version }) => version))
        const newest = versions
          .filter(({ version }) => !isPrerelease(version))
          .toSorted((a, b) => (versionSortKey(a.version) < versionSortKey(b.version) ? 1 : -1))[0]
        assert.ok(newest === undefined || !gone.has(newest))
        assert.ok(versions.length === 0 || gone.size < versions.length)
      }),
    )
  })

  it('lets go nothing more once that is gone, nor when only a part of it is', () => {
    fc.assert(
      fc.property(anyVersions, anyRetention, fc.nat(20), (versions, retention, count) => {
        const surplus = findSurplus(versions, retention, NOW).map(({ version }) => version)
        const part = surplus.slice(0, count)
        const left = versions.filter((version) => !part.includes(version))
        const rest = findSurplus(left, retention, NOW).map(({ version }) => version)
        assert.deepEqual(rest, surplus.slice(count))
      }),
    )
  })
})
