import { type Digest } from '../chart/digest.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type Actor, type VersionId } from './actor.ts'

/**
 * What the upstreams of a mirror have to offer: a version that an upstream's index names and the filters let through.
 * What has been fetched of it is an ordinary version besides. An offer is in its repository's index while it is `open`,
 * there upstream, has nothing stored under its name and version (a tombstone neither), and its upstream's record says
 * that offers are listed at all. Whatever changes the index raises the repository's revision and writes to its change
 * log in the same transaction. An offer is never removed while its repository is there: what it was remains known.
 */
export interface Offers {
  /** By the name of the upstream. Empty for an unknown repository. */
  listUpstreams(repository: RepositoryName): Promise<readonly UpstreamRecord[]>

  findOffer(id: VersionId): Promise<Offer | undefined>
  /** By the whole file name, as a download is looked up; also what is gone, held or stored. */
  findOfferByFilename(repository: RepositoryName, filename: ArchiveFilename): Promise<Offer | undefined>
  /** By name and, bytewise, version; a batch at a time, each of them a snapshot. */
  listOffers(repository: RepositoryName, query?: OfferQuery): AsyncIterable<readonly Offer[]>
  /** By the name of the upstream; of those that have none, nothing. */
  countOffers(repository: RepositoryName): Promise<readonly OfferCount[]>
  /** The charts that the upstream has at least one offer of that is not gone, in order of name. */
  listOfferedCharts(repository: RepositoryName, upstream: string): Promise<readonly ChartName[]>

  /** Before an upstream is read: makes its record, or brings it and its offers up to date with what is configured. */
  openUpstream(
    repository: RepositoryName,
    upstream: OpenedUpstream,
    by: Actor,
  ): Promise<UpstreamRecord | 'repository-unknown'>
  /** Offers of upstreams that `configured` does not name are gone from now on, a batch at a time; then, the records. */
  forgetUpstreams(repository: RepositoryName, configured: readonly string[], by: Actor): Promise<number>
  /**
   * Some hundreds of differences at most, in one transaction. What an administrator has released or rejected meanwhile
   * stays so. An alarm that is new has its audit row and its event for webhooks. Entries that cannot be taken, as
   * another version has their file name or their content was purged, are returned.
   */
  recordOffers(
    repository: RepositoryName,
    upstream: string,
    differences: readonly OfferDifference[],
    by: Actor,
  ): Promise<RecordedOffers>
  /** How a reading ended. Of a failure, nothing but itself and its time is noted. */
  noteReading(repository: RepositoryName, upstream: string, reading: UpstreamReading): Promise<void>

  /** Opens what has been held for long enough, in this repository; a batch at a time. Returns how many. */
  openAged(repository: RepositoryName, now: Date, by: Actor): Promise<number>
  /** Opens what is held or rejected: these versions, or all of the chart's that are held. Audited, each. */
  releaseOffers(selection: OfferSelection, by: Actor): Promise<readonly VersionId[]>
  /**
   * Of these versions, opens those that are not stored and that the upstream has with another digest by now, with that
   * digest; the next reading describes them anew. Audited, each, with both digests.
   */
  acceptDigests(selection: NamedOffers, by: Actor): Promise<readonly VersionId[]>
  /** Holds back for good what is open or held, but not stored: these versions, or all of the chart's. Audited, each. */
  rejectOffers(selection: OfferSelection, by: Actor): Promise<readonly VersionId[]>

  /**
   * Says once that something is wrong with an offer: its audit row and its event for webhooks. `known` if the same has
   * been said of it before, and nothing else since.
   */
  raiseAlarm(id: VersionId, alarm: OfferAlarm, by: Actor): Promise<'raised' | 'known'>

  /** For one owner at a time, until it is released or out of date; who holds it extends it. */
  takeLease(
    name: string,
    owner: string,
    times: { readonly now: Date; readonly until: Date },
  ): Promise<'held' | 'held-elsewhere'>
  /** What another owner holds stays. */
  releaseLease(name: string, owner: string): Promise<void>
}

export interface OfferQuery {
  /**
   * `missing`: may be fetched and is not stored, nor a tombstone here. `held`, `rejected`: as their state says, and not
   * gone. `present`: all that are not gone. `all`, the default, these and those that are gone.
   */
  readonly which?: 'all' | 'present' | 'missing' | 'held' | 'rejected'
  readonly chart?: ChartName
}

export interface Offer extends VersionId {
  readonly upstream: string
  readonly filename: ArchiveFilename
  /** As the index says; absent where it says nothing. */
  readonly digest: Digest | undefined
  readonly urls: readonly string[]
  readonly createdAt: Date | undefined
  readonly sortKey: string
  /** Its entry in the index. */
  readonly fragment: string
  readonly firstSeenAt: Date
  /** From when its age counts. */
  readonly agesFrom: Date
  readonly state: OfferState
  /** Of a held one; absent: until it is released. */
  readonly heldUntil: Date | undefined
  /** Since when the upstream has it no more. */
  readonly goneAt: Date | undefined
  /** Whether there is a version of that name here: one that can be read, or a tombstone. */
  readonly stored: 'no' | 'live' | 'withdrawn'
  /** Of the stored version. */
  readonly storedDigest: Digest | undefined
  /** What the upstream says now, where that is another digest. */
  readonly other: { readonly digest: Digest; readonly seenAt: Date } | undefined
}

export type OfferState = 'open' | 'held' | 'rejected'

/** Of one upstream, without those that are gone. */
export interface OfferCount {
  readonly upstream: string
  readonly open: number
  readonly held: number
  readonly rejected: number
  /** Of them all, those with a version of that name here, live or withdrawn. */
  readonly stored: number
}

/** What an upstream is configured as. */
export interface OpenedUpstream {
  readonly name: string
  readonly url: string
  /** Whether its offers are in the index (`mode: sync` keeps them out). */
  readonly listed: boolean
}

export interface UpstreamRecord extends OpenedUpstream {
  /** When it was last read to the end, changed or not; absent: never. */
  readonly checkedAt: Date | undefined
  /** When its index was last another one. */
  readonly changedAt: Date | undefined
  /** How many versions passed the filters, and how many were refused, in that index. */
  readonly entries: number
  readonly refused: number
  /** For the next conditional request. */
  readonly validators: IndexValidators
  /** The last failure, if nothing has succeeded since. */
  readonly failure: { readonly at: Date; readonly reason: string } | undefined
}

export interface IndexValidators {
  readonly etag: string | undefined
  readonly lastModified: string | undefined
  /** SHA-256 of the index as it came. */
  readonly digest: Digest | undefined
  /** What else the offers were made from: filters and rules, whatever their form. */
  readonly settings: string
}

export type UpstreamReading =
  | {
      readonly kind: 'changed'
      readonly at: Date
      readonly entries: number
      readonly refused: number
      readonly validators: IndexValidators
    }
  | { readonly kind: 'unchanged'; readonly at: Date; readonly validators?: IndexValidators }
  | { readonly kind: 'failed'; readonly at: Date; readonly reason: string }

export type OfferDifference =
  /**
   * As the upstream describes it now. `isNew`: nothing of what may be known of it counts, but that it was rejected;
   * otherwise the judgement counts only while it is held, and `firstSeenAt` and `agesFrom` stay.
   */
  | {
      readonly kind: 'offered'
      readonly entry: OfferEntry
      readonly judgement: OfferJudgement
      readonly isNew: boolean
    }
  /** The upstream has it with another digest, which is noted; the offer stays as it is. An alarm, the first time. */
  | { readonly kind: 'other-digest'; readonly id: OfferId; readonly digest: Digest; readonly reason: string }
  | { readonly kind: 'gone'; readonly id: OfferId }

export interface OfferId {
  readonly name: ChartName
  readonly version: ChartVersion
}

export interface OfferEntry extends OfferId {
  readonly sortKey: string
  readonly filename: ArchiveFilename
  readonly digest: Digest | undefined
  readonly createdAt: Date | undefined
  readonly urls: readonly string[]
  readonly fragment: string
}

export interface OfferJudgement {
  readonly state: Exclude<OfferState, 'rejected'>
  readonly heldUntil: Date | undefined
  readonly agesFrom: Date
}

export interface RecordedOffers {
  /** That were not said before. */
  readonly alarms: readonly (OfferId & OfferAlarm)[]
  readonly refused: readonly (OfferId & { readonly reason: string })[]
}

export interface OfferAlarm {
  readonly kind: AlarmKind
  readonly upstream: string
  /** What was found, where it is a digest. */
  readonly digest: Digest | undefined
  /** In a few words, for people. */
  readonly reason: string
}

/** `digest-changed`: the index says another digest than before; `digest-mismatch`: the archive has another one than that. */
export const ALARM_KINDS = ['digest-changed', 'digest-mismatch', 'signature'] as const
export type AlarmKind = (typeof ALARM_KINDS)[number]

export interface OfferSelection {
  readonly repository: RepositoryName
  readonly chart: ChartName
  /** Absent: all of the chart's. */
  readonly versions?: readonly ChartVersion[] | undefined
}

export interface NamedOffers extends OfferSelection {
  readonly versions: readonly ChartVersion[]
}
