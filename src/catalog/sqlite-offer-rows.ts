import { type Digest } from '../chart/digest.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type Offer, type OfferState, type UpstreamRecord } from './offers.ts'

export interface OfferRow {
  readonly id: number
  readonly repository: RepositoryName
  readonly upstream: string
  readonly name: ChartName
  readonly version: ChartVersion
  readonly sort_key: string
  readonly filename: ArchiveFilename
  readonly digest: Digest | null
  readonly urls: string
  readonly created_at: string | null
  readonly first_seen_at: string
  readonly ages_from: string
  readonly gone_at: string | null
  readonly state: OfferState
  readonly held_until: string | null
  readonly other_digest: Digest | null
  readonly other_seen_at: string | null
  readonly fragment: string
  readonly stored_digest: Digest | null
  readonly withdrawn_at: string | null
}

/** Offers with what is stored under their names. */
export const SELECT_OFFER = `
  SELECT o.id, r.name AS repository, o.upstream, o.name, o.version, o.sort_key, o.filename, o.digest, o.urls,
         o.created_at, o.first_seen_at, o.ages_from, o.gone_at, o.state, o.held_until, o.other_digest,
         o.other_seen_at, o.fragment, v.digest AS stored_digest, v.withdrawn_at
  FROM repositories r
  JOIN offers o ON o.repository_id = r.id
  LEFT JOIN versions v ON v.repository_id = o.repository_id AND v.name = o.name AND v.version = o.version
  WHERE r.name = @repository`

export function offerFromRow(row: OfferRow): Offer {
  const { other_digest: other, other_seen_at: seenAt } = row
  return {
    repository: row.repository,
    upstream: row.upstream,
    name: row.name,
    version: row.version,
    sortKey: row.sort_key,
    filename: row.filename,
    digest: row.digest ?? undefined,
    urls: JSON.parse(row.urls) as readonly string[],
    createdAt: dateOf(row.created_at),
    fragment: row.fragment,
    firstSeenAt: new Date(row.first_seen_at),
    agesFrom: new Date(row.ages_from),
    state: row.state,
    heldUntil: dateOf(row.held_until),
    goneAt: dateOf(row.gone_at),
    stored: row.stored_digest === null ? 'no' : row.withdrawn_at === null ? 'live' : 'withdrawn',
    storedDigest: row.stored_digest ?? undefined,
    other: other === null || seenAt === null ? undefined : { digest: other, seenAt: new Date(seenAt) },
  }
}

export interface UpstreamRow {
  readonly name: string
  readonly url: string
  readonly listed: number
  readonly checked_at: string | null
  readonly changed_at: string | null
  readonly entries: number
  readonly refused: number
  readonly etag: string | null
  readonly last_modified: string | null
  readonly digest: Digest | null
  readonly settings: string
  readonly error: string | null
  readonly error_at: string | null
}

export function upstreamFromRow(row: UpstreamRow): UpstreamRecord {
  const { name, url, entries, refused, settings, error, error_at: failedAt } = row
  return {
    name,
    url,
    listed: row.listed === 1,
    checkedAt: dateOf(row.checked_at),
    changedAt: dateOf(row.changed_at),
    entries,
    refused,
    validators: {
      etag: row.etag ?? undefined,
      lastModified: row.last_modified ?? undefined,
      digest: row.digest ?? undefined,
      settings,
    },
    failure: error === null || failedAt === null ? undefined : { at: new Date(failedAt), reason: error },
  }
}

function dateOf(text: string | null): Date | undefined {
  return text === null ? undefined : new Date(text)
}
