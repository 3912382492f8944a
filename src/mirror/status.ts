import { type Catalog } from '../catalog/catalog.ts'
import { present } from '../chart/present.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { findLastSync, type LastSync } from './last-sync.ts'
import { listsOffers, type MirrorSettings } from './mirror.ts'

export interface MirrorStatus {
  readonly repository: RepositoryName
  readonly mode: MirrorSettings['mode']
  readonly offline: boolean
  /** The last one that came to its end, or was broken off; by whom, and what came of it. */
  readonly lastSync?: LastSync
  readonly upstreams: readonly UpstreamStatus[]
}

export interface UpstreamStatus {
  readonly name: string
  readonly url: string
  /** When its index was last read to the end, or found unchanged. */
  readonly checkedAt?: Date
  /** When it was last another one than before. */
  readonly changedAt?: Date
  readonly ageS?: number
  /** Whether that is longer ago than the mirror's `ttl`. */
  readonly isStale: boolean
  /** How many versions of its index passed the filters, and how many make no sense. */
  readonly entries: number
  readonly refused: number
  /** In our index, and to be fetched when somebody asks. */
  readonly listed: number
  readonly stored: number
  readonly held: number
  readonly rejected: number
  /** The last failure, if nothing has succeeded since. */
  readonly failure?: { readonly at: Date; readonly reason: string }
}

/** A mirror as it is configured: nothing of it has to be opened. */
export interface MirrorOutline {
  readonly repository: RepositoryName
  readonly settings: Pick<MirrorSettings, 'mode' | 'offline' | 'ttl'>
  readonly upstreams: readonly { readonly name: string; readonly url: string }[]
}

/** How far a mirror is, from the catalog alone: no upstream is asked. */
export async function readMirrorStatus(
  catalog: Pick<Catalog, 'offers' | 'listAudit'>,
  { repository, settings, upstreams }: MirrorOutline,
  now: Date,
): Promise<MirrorStatus> {
  const records = await catalog.offers.listUpstreams(repository)
  const counts = await catalog.offers.countOffers(repository)
  const missing = await countMissing(catalog.offers, repository)
  const lastSync = await findLastSync(catalog, repository)
  return {
    repository,
    mode: settings.mode,
    offline: settings.offline,
    ...(lastSync && { lastSync }),
    upstreams: upstreams.map(({ name, url }) => {
      const record = records.find((one) => one.name === name)
      const count = counts.find(({ upstream }) => upstream === name)
      const listed = listsOffers(settings) ? (missing.get(name) ?? 0) : 0
      return upstreamStatus({ name, url, record, count, listed }, settings, now)
    }),
  }
}

type Offers = Catalog['offers']
type UpstreamRecord = Awaited<ReturnType<Offers['listUpstreams']>>[number]
type OfferCount = Awaited<ReturnType<Offers['countOffers']>>[number]

interface Known {
  readonly name: string
  readonly url: string
  readonly record: UpstreamRecord | undefined
  readonly count: OfferCount | undefined
  readonly listed: number
}

/** By upstream. */
async function countMissing(
  offers: Offers,
  repository: RepositoryName,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for await (const batch of offers.listOffers(repository, { which: 'missing' })) {
    for (const { upstream } of batch) counts.set(upstream, (counts.get(upstream) ?? 0) + 1)
  }
  return counts
}

function upstreamStatus(
  { name, url, record, count, listed }: Known,
  { ttl }: MirrorOutline['settings'],
  now: Date,
): UpstreamStatus {
  const { held, rejected, stored } = count ?? NOTHING_OFFERED
  const { checkedAt, changedAt, failure, entries, refused } = record ?? NEVER_READ
  const ageMs = now.getTime() - (checkedAt?.getTime() ?? 0)
  return present({
    name,
    url,
    checkedAt,
    changedAt,
    ageS: checkedAt && Math.max(0, Math.floor(ageMs / 1000)),
    isStale: ageMs > ttl,
    entries,
    refused,
    listed,
    stored,
    held,
    rejected,
    failure,
  })
}

const NOTHING_OFFERED = { held: 0, rejected: 0, stored: 0 }
const NEVER_READ = {
  checkedAt: undefined,
  changedAt: undefined,
  failure: undefined,
  entries: 0,
  refused: 0,
}
