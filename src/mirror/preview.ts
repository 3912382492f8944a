import { type Offer, type OfferDifference, type Offers } from '../catalog/offers.ts'
import { type Digest } from '../chart/digest.ts'
import { type ChartName } from '../chart/name.ts'
import { describeRepository } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { chartDifferences, type DifferenceRules } from './chart-differences.ts'
import { type RefusedEntry } from './index-entries.ts'
import { type Mirror, type MirrorUpstream } from './mirror.ts'
import { readOffers } from './read-offers.ts'
import { type UpstreamEntry } from './upstream-entry.ts'

export interface PreviewDeps {
  readonly offers: Offers
  readonly now: () => Date
}

/** What a mirror's upstreams have now, beside what is here. */
export interface Preview {
  readonly upstreams: readonly PreviewedUpstream[]
  readonly versions: readonly PreviewedVersion[]
}

export interface PreviewedUpstream {
  readonly name: string
  /** Why it could not be read; of its versions nothing is said then. */
  readonly failure?: string
  readonly refused: readonly RefusedEntry[]
}

export interface PreviewedVersion {
  readonly name: string
  readonly version: string
  readonly upstream: string
  /**
   * `missing`: may be fetched, and a sync would. `held` and `rejected`: is kept from it. `withdrawn`: was deleted here.
   * `changed`: has another digest there than here. `gone`: is no more in the index there.
   */
  readonly state: 'missing' | 'held' | 'rejected' | 'stored' | 'withdrawn' | 'changed' | 'gone'
  /** Whether its archive is here. */
  readonly isStored: boolean
  /** Of a changed one: what the upstream says. */
  readonly digest?: Digest
}

/**
 * Reads the upstreams' indexes in full, by the filters in force now, and changes nothing. Throws `request-invalid` for a
 * mirror that is offline.
 */
export async function previewMirror(
  deps: PreviewDeps,
  mirror: Mirror,
  signal: AbortSignal,
): Promise<Preview> {
  if (mirror.settings.offline) {
    const name = describeRepository(mirror.repository)
    throw new AppError('request-invalid', `${name} is offline by its setting: no upstream is asked`)
  }
  const upstreams: PreviewedUpstream[] = []
  const versions: PreviewedVersion[] = []
  const taken = new Set<ChartName>()
  let waitsFor: string | undefined
  const records = await deps.offers.listUpstreams(mirror.repository)
  for (const upstream of mirror.upstreams) {
    const isFirstReading = records.find(({ name }) => name === upstream.name)?.checkedAt === undefined
    const own = { upstream, taken, isFirstReading, signal }
    const { failure, refused, found, charts } =
      waitsFor === undefined ? await previewUpstream(deps, mirror, own) : waiting(waitsFor)
    if (failure !== undefined && isFirstReading) waitsFor ??= upstream.name
    upstreams.push({ name: upstream.name, refused, ...(failure !== undefined && { failure }) })
    versions.push(...found)
    for (const chart of charts) taken.add(chart)
  }
  return { upstreams, versions }
}

interface Previewing {
  readonly upstream: MirrorUpstream
  /** By upstreams before this one. */
  readonly taken: ReadonlySet<ChartName>
  readonly isFirstReading: boolean
  readonly signal: AbortSignal
}

interface UpstreamPreview {
  readonly failure?: string
  readonly refused: readonly RefusedEntry[]
  readonly found: readonly PreviewedVersion[]
  /** All that have it as theirs. */
  readonly charts: Iterable<ChartName>
}

/** As in a refresh: an upstream that comes later gets no chart's name because an earlier one has never answered. */
function waiting(upstream: string): UpstreamPreview {
  const failure = `not read: ${upstream} comes before it, and has never been read`
  return { failure, refused: [], found: [], charts: [] }
}

async function previewUpstream(
  { offers, now }: PreviewDeps,
  { repository, settings }: Mirror,
  { upstream, taken, isFirstReading, signal }: Previewing,
): Promise<UpstreamPreview> {
  const rules = { ...settings, upstream: upstream.name, now: now(), isFirstReading }
  const refused: RefusedEntry[] = []
  const found: PreviewedVersion[] = []
  const seen = new Set<ChartName>()
  const before = await offers.listOfferedCharts(repository, upstream.name)
  const compare = async (chart: ChartName, entries: readonly UpstreamEntry[]): Promise<void> => {
    const known: Offer[] = []
    for await (const batch of offers.listOffers(repository, { chart })) known.push(...batch)
    for (const version of await compareChart(known, entries, rules)) found.push(version)
  }
  try {
    await readOffers(upstream, { validators: undefined, known: () => undefined, signal }, async (batch) => {
      refused.push(...batch.refused)
      for (const [chart, entries] of Map.groupBy(batch.entries, ({ name }) => name)) {
        if (taken.has(chart)) continue
        seen.add(chart)
        await compare(chart, entries)
      }
    })
  } catch (error) {
    if (!(error instanceof AppError) || signal.aborted) throw error
    return { failure: error.message, refused: [], found: [], charts: before }
  }
  for (const chart of before) if (!seen.has(chart) && !taken.has(chart)) await compare(chart, [])
  return { refused, found, charts: seen }
}

async function compareChart(
  known: readonly Offer[],
  entries: readonly UpstreamEntry[],
  rules: DifferenceRules,
): Promise<readonly PreviewedVersion[]> {
  const { differences } = await chartDifferences(known, entries, rules)
  const offers = new Map<string, Offer>(known.map((offer) => [offer.version, offer]))
  const changes = new Map<string, OfferDifference>(differences.map((change) => [versionOf(change), change]))
  const there = entries.map((entry) => {
    return describeEntry(entry, offers.get(entry.version), changes.get(entry.version), rules.upstream)
  })
  const gone = differences.flatMap((change) =>
    change.kind === 'gone' ? [offers.get(change.id.version)] : [],
  )
  return [...there, ...gone.flatMap((offer) => (offer === undefined ? [] : [describeGone(offer)]))]
}

function versionOf(change: OfferDifference): string {
  return change.kind === 'offered' ? change.entry.version : change.id.version
}

function describeEntry(
  { name, version }: UpstreamEntry,
  known: Offer | undefined,
  change: OfferDifference | undefined,
  upstream: string,
): PreviewedVersion {
  const about = { name, version, upstream, isStored: known?.stored === 'live' }
  const digest = otherDigest(known, change)
  if (digest !== undefined) return { ...about, state: 'changed', digest }
  return { ...about, state: storedState(known) ?? offeredState(known, change) }
}

/** What the upstream says now, where that is another digest than ours. */
function otherDigest(known: Offer | undefined, change: OfferDifference | undefined): Digest | undefined {
  if (change === undefined) return known?.other?.digest
  return change.kind === 'other-digest' ? change.digest : undefined
}

function storedState(known: Offer | undefined): 'stored' | 'withdrawn' | undefined {
  if (known === undefined || known.stored === 'no') return undefined
  return known.stored === 'live' ? 'stored' : 'withdrawn'
}

/** What an administrator has decided stays so; the rest is judged anew. */
function offeredState(
  known: Offer | undefined,
  change: OfferDifference | undefined,
): 'missing' | 'held' | 'rejected' {
  if (known?.state === 'rejected') return 'rejected'
  if (known?.state === 'open') return 'missing'
  const state = change?.kind === 'offered' ? change.judgement.state : known?.state
  return state === 'held' ? 'held' : 'missing'
}

function describeGone({ name, version, upstream, stored }: Offer): PreviewedVersion {
  return { name, version, upstream, state: 'gone', isStored: stored === 'live' }
}
