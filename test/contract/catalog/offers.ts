import { deepEqual, equal, ok } from 'node:assert/strict'
import { type Offer, type OfferDifference, type OfferQuery } from '../../../src/catalog/offers.ts'
import { archiveFilename } from '../../../src/chart/filename.ts'
import { parseChartName } from '../../../src/chart/name.ts'
import { parseRepositoryName } from '../../../src/chart/repository-name.ts'
import { parseChartVersion, versionSortKey } from '../../../src/chart/version.ts'
import {
  actor,
  digestOf,
  minutesAfterNoon,
  newVersion,
  NOON,
  versionId,
} from '../../support/catalog-samples.ts'
import { readWhole } from '../../support/whole-index.ts'
import { type CatalogHarness } from './harness.ts'

export function describeOffers(use: CatalogHarness): void {
  const team = parseRepositoryName('team-a')
  const demo = versionId('demo', '1.0.0')
  const later = actor('mirror', minutesAfterNoon(1))

  async function open(name = 'up', listed = true): Promise<void> {
    await use.catalog.offers.openUpstream(team, { name, url: `https://${name}.example.org`, listed }, actor())
  }

  async function record(...differences: readonly OfferDifference[]): ReturnType<typeof recordFrom> {
    return recordFrom('up', ...differences)
  }

  async function recordFrom(upstream: string, ...differences: readonly OfferDifference[]) {
    return use.catalog.offers.recordOffers(team, upstream, differences, later)
  }

  async function list(which: OfferQuery['which'] = 'all', chart?: string): Promise<readonly string[]> {
    const found: Offer[] = []
    const query = { which, ...(chart !== undefined && { chart: parseChartName(chart) }) }
    for await (const page of use.catalog.offers.listOffers(team, query)) found.push(...page)
    return found.map(({ name, version }) => `${name} ${version}`)
  }

  /** The index, as names and what stands for the entries; both ways of reading it say the same. */
  async function index(since = 0): Promise<readonly string[]> {
    const whole = await readWhole(use.catalog, team)
    const fragments = whole?.charts.flatMap((chart) => [...chart.fragments]) ?? []
    const changes = await use.catalog.readIndexSince(team, since)
    ok(typeof changes === 'object')
    const changed = changes.versions.flatMap(({ fragment }) => fragment ?? [])
    if (since === 0) deepEqual([...changed].sort(), [...fragments].sort())
    return fragments
  }

  describe('offers', () => {
    beforeEach(async () => {
      await use.catalog.createRepository(team, actor())
      await open()
    })

    it('are in the index among the versions, and in its changes', async () => {
      await use.publish(newVersion(versionId('demo', '2.0.0')))
      await record(offered('demo', '1.0.0'), offered('demo', '3.0.0'), offered('alpha', '1.0.0'))
      deepEqual(await index(), [
        'alpha 1.0.0',
        'demo 3.0.0',
        newVersion(versionId('demo', '2.0.0')).fragment,
        'demo 1.0.0',
      ])
      equal(await use.revision(), 4)
      deepEqual(await use.catalog.readIndexSince(team, 3), {
        revision: 4,
        changedAt: minutesAfterNoon(1),
        versions: [
          {
            name: 'alpha',
            sortKey: versionSortKey(parseChartVersion('1.0.0')),
            fragment: 'alpha 1.0.0',
          },
        ],
      })
    })

    it('change nothing when they are recorded as they are', async () => {
      await record(offered('demo', '1.0.0'))
      const revision = await use.revision()
      await record(offered('demo', '1.0.0'))
      equal(await use.revision(), revision)
    })

    it('leave the index once something is stored, and do not come back with its withdrawal', async () => {
      await record(offered('demo', '1.0.0'))
      await use.publish(newVersion(demo))
      deepEqual(await index(), [newVersion(demo).fragment])
      deepEqual(await list('missing'), [])
      equal((await use.catalog.offers.findOffer(demo))?.stored, 'live')
      await use.catalog.withdrawVersion(demo, actor())
      deepEqual(await index(), [])
      const offer = await use.catalog.offers.findOffer(demo)
      deepEqual([offer?.stored, offer?.storedDigest], ['withdrawn', newVersion(demo).digest])
      await record(offered('demo', '1.0.0', { fragment: 'other' }))
      deepEqual(await index(), [])
    })

    it('of what is stored already are not in the index', async () => {
      await use.publish(newVersion(demo))
      await record(offered('demo', '1.0.0'))
      deepEqual(await index(), [newVersion(demo).fragment])
    })

    it('leave the index when they are gone, and come back to it as what they were', async () => {
      await record(offered('demo', '1.0.0'))
      await record({ kind: 'gone', id: demo })
      deepEqual(await index(), [])
      deepEqual(await list('present'), [])
      deepEqual(await use.catalog.offers.listOfferedCharts(team, 'up'), [])
      equal((await use.catalog.offers.findOffer(demo))?.goneAt?.getTime(), later.at.getTime())
      await record(offered('demo', '1.0.0'))
      deepEqual(await index(), ['demo 1.0.0'])
    })

    it('are found by their file name and listed by state, page by page', async () => {
      const many = Array.from({ length: 450 }, (_, patch) => offered('many', `1.0.${patch}`))
      await record(...many, offered('demo', '1.0.0', { state: 'held' }), offered('demo', '2.0.0'))
      equal((await list()).length, 452)
      equal((await list('missing', 'many')).length, 450)
      deepEqual(await list('missing', 'demo'), ['demo 2.0.0'])
      deepEqual(await list('held'), ['demo 1.0.0'])
      const filename = archiveFilename(demo.name, demo.version)
      const found = await use.catalog.offers.findOfferByFilename(team, filename)
      deepEqual(found, await use.catalog.offers.findOffer(demo))
      deepEqual(found?.urls, ['https://up.example.org/demo-1.0.0.tgz'])
      deepEqual(await use.catalog.offers.countOffers(team), [
        { upstream: 'up', open: 451, held: 1, rejected: 0, stored: 0 },
      ])
      deepEqual(await use.catalog.offers.listOfferedCharts(team, 'up'), ['demo', 'many'])
    })

    it('with a file name that another version has are refused', async () => {
      await use.publish(newVersion(versionId('demo', '1.0.0-1.0.0')))
      const { refused } = await record(offered('demo-1.0.0', '1.0.0'), offered('fine', '1.0.0'))
      deepEqual(refused, [
        {
          name: 'demo-1.0.0',
          version: '1.0.0',
          reason: 'its file name is that of chart demo version 1.0.0-1.0.0',
        },
      ])
      deepEqual(await list(), ['fine 1.0.0'])
    })

    it('that are held come out once they have aged, and no sooner', async () => {
      await record(offered('demo', '1.0.0', { state: 'held', heldUntil: minutesAfterNoon(10) }))
      await record(offered('demo', '2.0.0', { state: 'held' }))
      deepEqual(await index(), [])
      const { offers } = use.catalog
      equal(await offers.openAged(team, minutesAfterNoon(9), actor('mirror', minutesAfterNoon(9))), 0)
      equal(await offers.openAged(team, minutesAfterNoon(10), actor('mirror', minutesAfterNoon(10))), 1)
      deepEqual(await index(), ['demo 1.0.0'])
    })

    it('are released and rejected, and what was decided outlives what the upstream says', async () => {
      await record(
        ...['1.0.0', '2.0.0', '3.0.0'].map((version) => offered('demo', version, { state: 'held' })),
      )
      const { offers } = use.catalog
      const chart = demo.name
      deepEqual(await offers.releaseOffers({ repository: team, chart, versions: [demo.version] }, actor()), [
        demo,
      ])
      deepEqual(await index(), ['demo 1.0.0'])
      const two = versionId('demo', '2.0.0')
      deepEqual(await offers.rejectOffers({ repository: team, chart, versions: [two.version] }, actor()), [
        two,
      ])
      await record(
        offered('demo', '1.0.0', { state: 'held', fragment: 'other' }),
        offered('demo', '2.0.0', { fragment: 'other' }),
      )
      deepEqual(await index(), ['other'])
      deepEqual(await list('rejected'), ['demo 2.0.0'])
      deepEqual(await offers.releaseOffers({ repository: team, chart }, actor()), [
        versionId('demo', '3.0.0'),
      ])
      deepEqual(await offers.releaseOffers({ repository: team, chart, versions: [two.version] }, actor()), [
        two,
      ])
      deepEqual((await use.audit()).slice(-4), [
        'mirror-release done',
        'mirror-reject done',
        'mirror-release done',
        'mirror-release done',
      ])
    })

    it('keep their digest when the upstream says another one, which is an alarm once', async () => {
      const url = 'https://hooks.example.org'
      await use.catalog.outbox.registerWebhooks([url], { at: NOON, forgetBefore: new Date(0) })
      await record(offered('demo', '1.0.0'))
      const digest = digestOf('other')
      const id = { name: demo.name, version: demo.version }
      const change = { kind: 'other-digest', id, digest, reason: 'it is another' } as const
      const alarm = { kind: 'digest-changed', upstream: 'up', digest, reason: 'it is another' } as const
      deepEqual((await record(change)).alarms, [{ ...id, ...alarm }])
      deepEqual((await record(change)).alarms, [])
      equal(await use.catalog.offers.raiseAlarm(demo, alarm, later), 'known')
      const mismatch = { ...alarm, kind: 'digest-mismatch' } as const
      equal(await use.catalog.offers.raiseAlarm(demo, mismatch, later), 'raised')
      const offer = await use.catalog.offers.findOffer(demo)
      deepEqual([offer?.digest, offer?.other], [digestOf('demo 1.0.0'), { digest, seenAt: later.at }])
      deepEqual(await index(), ['demo 1.0.0'])
      const [event, ...others] = await use.catalog.outbox.listEvents(0, 10)
      equal(others.length, 1)
      deepEqual(
        [event?.kind, event?.digest, event?.alarm],
        ['mirror-alarm', digest, { kind: 'digest-changed', reason: 'it is another' }],
      )
      deepEqual((await use.audit()).slice(-2), ['mirror-alarm refused', 'mirror-alarm refused'])
    })

    it('take the digest that the upstream says now where that is accepted, unless they are stored', async () => {
      const text = `{"digest":"${digestOf('demo 1.0.0')}"}`
      const two = versionId('demo', '2.0.0')
      await record(offered('demo', '1.0.0', { fragment: text, state: 'held' }), offered('demo', '2.0.0'))
      await use.publish(newVersion(two))
      const digest = digestOf('other')
      const { offers } = use.catalog
      const accept = { repository: team, chart: demo.name, versions: [demo.version, two.version] }
      deepEqual(await offers.acceptDigests(accept, actor()), [], 'there is no other yet')
      for (const { name, version } of [demo, two])
        await record({ kind: 'other-digest', id: { name, version }, digest, reason: 'it is another' })
      const validators = { etag: '"1"', lastModified: 'Thu', digest, settings: 'all' }
      await offers.noteReading(team, 'up', { kind: 'changed', at: NOON, entries: 2, refused: 0, validators })
      deepEqual(await offers.acceptDigests(accept, actor()), [demo])
      const offer = await offers.findOffer(demo)
      deepEqual([offer?.digest, offer?.other, offer?.state], [digest, undefined, 'open'])
      deepEqual(await index(), [newVersion(two).fragment, `{"digest":"${digest}"}`])
      const [upstream] = await offers.listUpstreams(team)
      const forgotten = { etag: undefined, lastModified: undefined, digest: undefined }
      deepEqual(upstream?.validators, { ...forgotten, settings: 'all' })
      const [row] = await use.catalog.listAudit({ limit: 1, action: 'mirror-release' })
      deepEqual(
        [row?.version, row?.detail],
        ['1.0.0', `digest sha256:${digest} accepted, and was sha256:${digestOf('demo 1.0.0')} before`],
      )
      deepEqual(await offers.acceptDigests(accept, actor()), [])
      const alarm = { kind: 'digest-changed', upstream: 'up', digest, reason: 'again' } as const
      equal(await offers.raiseAlarm(demo, alarm, later), 'raised', 'what was said before the decision')
    })

    it('of purged content are not in the index, and cannot be released', async () => {
      await record(offered('demo', '1.0.0'), offered('other', '1.0.0'))
      await index()
      const before = (await use.revision()) ?? 0
      const everywhere = { repository: 'everywhere', reason: 'a password' } as const
      await use.catalog.purge(digestOf('demo 1.0.0'), everywhere, actor())
      deepEqual(await index(), ['other 1.0.0'])
      const changes = await use.catalog.readIndexSince(team, before)
      ok(typeof changes === 'object')
      deepEqual(
        changes.versions.map(({ name, fragment }) => [name, fragment]),
        [['demo', undefined]],
      )
      const selection = { repository: team, chart: demo.name, versions: [demo.version] }
      deepEqual(await use.catalog.offers.releaseOffers(selection, actor()), [])
      await use.catalog.purge(digestOf('late 1.0.0'), { ...everywhere, repository: team }, actor())
      await use.catalog.purge(digestOf('other'), everywhere, actor())
      const { refused } = await record(offered('late', '1.0.0'))
      deepEqual(refused, [{ name: 'late', version: '1.0.0', reason: 'its content was purged' }])
      const { name, version } = versionId('other', '1.0.0')
      const change = { kind: 'other-digest', id: { name, version }, reason: '' } as const
      await record({ ...change, digest: digestOf('other') })
      const accepting = { repository: team, chart: name, versions: [version] }
      deepEqual(await use.catalog.offers.acceptDigests(accepting, actor()), [])
    })

    it('announce nothing to webhooks but alarms', async () => {
      const url = 'https://hooks.example.org'
      await use.catalog.outbox.registerWebhooks([url], { at: NOON, forgetBefore: new Date(0) })
      await record(offered('demo', '1.0.0'))
      await record({ kind: 'gone', id: demo })
      deepEqual(await use.catalog.outbox.listEvents(0, 10), [])
    })

    it('follow whether their upstream lists any', async () => {
      await record(offered('demo', '1.0.0'))
      await open('up', false)
      deepEqual(await index(), [])
      deepEqual(await list('missing'), ['demo 1.0.0'])
      await open()
      deepEqual(await index(), ['demo 1.0.0'])
    })

    it('go with an upstream that is configured no more', async () => {
      await open('second')
      await record(offered('demo', '1.0.0'))
      await recordFrom('second', offered('other', '1.0.0'))
      equal(await use.catalog.offers.forgetUpstreams(team, ['second'], later), 1)
      deepEqual(await index(), ['other 1.0.0'])
      deepEqual(
        (await use.catalog.offers.listUpstreams(team)).map(({ name }) => name),
        ['second'],
      )
    })

    it('go where their repository goes', async () => {
      await record(offered('demo', '1.0.0'))
      const other = parseRepositoryName('other')
      await use.catalog.renameRepository(team, other, actor())
      deepEqual((await readWhole(use.catalog, other))?.charts[0]?.fragments, ['demo 1.0.0'])
      equal(await use.catalog.deleteRepository(other, 'refuse', actor()), 'deleted')
      await use.catalog.createRepository(team, actor())
      deepEqual(await list(), [])
      deepEqual(await use.catalog.offers.listUpstreams(team), [])
    })
  })
}

interface Sample {
  readonly state?: 'open' | 'held'
  readonly heldUntil?: Date
  readonly fragment?: string
}

function offered(nameText: string, versionText: string, sample: Sample = {}): OfferDifference {
  const name = parseChartName(nameText)
  const version = parseChartVersion(versionText)
  const { state = 'open', heldUntil, fragment = `${name} ${version}` } = sample
  return {
    kind: 'offered',
    isNew: false,
    entry: {
      name,
      version,
      sortKey: versionSortKey(version),
      filename: archiveFilename(name, version),
      digest: digestOf(`${name} ${version}`),
      createdAt: undefined,
      urls: [`https://up.example.org/${name}-${version}.tgz`],
      fragment,
    },
    judgement: { state, heldUntil, agesFrom: NOON },
  }
}
