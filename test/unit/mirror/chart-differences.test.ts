import { deepEqual, equal } from 'node:assert/strict'
import { type Offer, type OfferDifference } from '../../../src/catalog/offers.ts'
import { archiveFilename } from '../../../src/chart/filename.ts'
import { parseChartName } from '../../../src/chart/name.ts'
import { parseChartVersion, versionSortKey } from '../../../src/chart/version.ts'
import { chartDifferences, type DifferenceRules } from '../../../src/mirror/chart-differences.ts'
import { judgeOffer } from '../../../src/mirror/judge-offer.ts'
import { type UpstreamEntry } from '../../../src/mirror/upstream-entry.ts'
import { digestOf, minutesAfterNoon, NOON, versionId } from '../../support/catalog-samples.ts'

const RULES: DifferenceRules = {
  upstream: 'up',
  approve: false,
  now: minutesAfterNoon(10),
  isFirstReading: false,
}

describe('the differences of a chart', () => {
  it('are none where everything is as before', async () => {
    deepEqual(await of([known()], [entry()]), [])
  })

  it('are what is new, described otherwise, back or gone', async () => {
    deepEqual(await of([], [entry()]), ['offered 1.0.0 anew'])
    deepEqual(await of([known()], [entry({ fragment: 'other' })]), ['offered 1.0.0'])
    deepEqual(await of([known()], [entry({ urls: ['https://moved.example.org/demo.tgz'] })]), [
      'offered 1.0.0',
    ])
    deepEqual(await of([known({ goneAt: NOON })], [entry()]), ['offered 1.0.0'])
    deepEqual(await of([known()], []), ['gone 1.0.0'])
    deepEqual(await of([known({ goneAt: NOON })], []), [])
  })

  it('are an alarm for another digest, also of what is stored or comes back, until it is noted', async () => {
    const other = digestOf('other')
    const changed = [entry({ digest: other })]
    const noted = { digest: other, seenAt: NOON }
    deepEqual(await of([known()], changed), ['other-digest 1.0.0'])
    deepEqual(await of([known({ goneAt: NOON, other: noted })], changed), ['other-digest 1.0.0'])
    deepEqual(await of([known({ other: noted })], changed), [])
    deepEqual(await of([known({ other: noted })], [entry()]), ['offered 1.0.0'], 'it is the old one again')
    const stored = { stored: 'live', storedDigest: digestOf('demo') } as const
    deepEqual(await of([known({ ...stored, digest: undefined })], changed), ['other-digest 1.0.0'])
    deepEqual(await of([known({ ...stored, upstream: 'before' })], changed), ['other-digest 1.0.0'])
  })

  it('do not take the digest of a manifest for that of a stored archive', async () => {
    const stored = known({ stored: 'live', storedDigest: digestOf('blob'), digest: undefined })
    const urls = ['oci://registry.example.org/demo:1.0.0']
    deepEqual(await of([stored], [entry({ urls, digest: digestOf('manifest') })]), ['offered 1.0.0'])
  })

  it('keep a digest that the index leaves out', async () => {
    deepEqual(await of([known()], [entry({ digest: undefined, fragment: 'without' })]), [])
  })

  it('take what another upstream had as new, unless it is the same', async () => {
    const before = known({ upstream: 'before' })
    deepEqual(await of([before], [entry({ digest: digestOf('other') })]), ['offered 1.0.0 anew'])
    deepEqual(await of([before], [entry()]), ['offered 1.0.0'])
    const { vanished } = await chartDifferences([before], [], RULES)
    deepEqual(vanished, [], 'it was not this one that had it')
  })

  it('judge again what is held, and nothing else', async () => {
    const held = known({ state: 'held', heldUntil: minutesAfterNoon(60) })
    deepEqual(await of([held], [entry()]), ['offered 1.0.0'], 'quarantine is over')
    deepEqual(await of([held], [entry()], { quarantine: 3_600_000 }), [])
    deepEqual(await of([held], [entry()], { approve: true }), ['offered 1.0.0'])
    deepEqual(await of([known()], [entry()], { approve: true }), [])
  })
})

describe('judging an offer', () => {
  const hour = 3_600_000
  const rules = { quarantine: hour, approve: false, now: NOON, isFirstReading: true }

  it('goes by its date in the first reading, if that is not yet to come', () => {
    const createdAt = minutesAfterNoon(-90)
    deepEqual(judgeOffer({ createdAt }, undefined, rules), {
      state: 'open',
      heldUntil: undefined,
      agesFrom: createdAt,
    })
    const recent = judgeOffer({ createdAt: minutesAfterNoon(-30) }, undefined, rules)
    deepEqual([recent.state, recent.heldUntil], ['held', minutesAfterNoon(30)])
    const future = judgeOffer({ createdAt: minutesAfterNoon(30) }, undefined, rules)
    deepEqual([future.state, future.heldUntil], ['held', minutesAfterNoon(60)])
  })

  it('goes by our clock afterwards, and by nothing where each version has to be approved', () => {
    const createdAt = minutesAfterNoon(-90)
    const later = judgeOffer({ createdAt }, undefined, { ...rules, isFirstReading: false })
    deepEqual([later.state, later.agesFrom], ['held', NOON])
    const approved = judgeOffer({ createdAt }, undefined, { ...rules, approve: true })
    deepEqual([approved.state, approved.heldUntil], ['held', undefined])
    equal(judgeOffer({ createdAt }, { agesFrom: minutesAfterNoon(-60) }, rules).state, 'open')
  })
})

async function of(
  before: readonly Offer[],
  entries: readonly UpstreamEntry[],
  rules: Partial<DifferenceRules> = {},
): Promise<readonly string[]> {
  const { differences } = await chartDifferences(before, entries, { ...RULES, ...rules })
  return differences.map(described)
}

function described(difference: OfferDifference): string {
  if (difference.kind !== 'offered') return `${difference.kind} ${difference.id.version}`
  return `offered ${difference.entry.version}${difference.isNew ? ' anew' : ''}`
}

function entry(change: Partial<UpstreamEntry> = {}): UpstreamEntry {
  const name = parseChartName('demo')
  const version = parseChartVersion('1.0.0')
  return {
    name,
    version,
    sortKey: versionSortKey(version),
    filename: archiveFilename(name, version),
    digest: digestOf('demo'),
    createdAt: NOON,
    urls: ['https://up.example.org/demo-1.0.0.tgz'],
    fragment: 'demo',
    ...change,
  }
}

function known(change: Partial<Offer> = {}): Offer {
  return {
    ...versionId('demo', '1.0.0'),
    ...entry(),
    upstream: 'up',
    firstSeenAt: NOON,
    agesFrom: NOON,
    state: 'open',
    heldUntil: undefined,
    goneAt: undefined,
    stored: 'no',
    storedDigest: undefined,
    other: undefined,
    ...change,
  }
}
