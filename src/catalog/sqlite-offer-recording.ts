import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type Actor } from './actor.ts'
import {
  type OfferAlarm,
  type OfferDifference,
  type OfferEntry,
  type OfferId,
  type OfferJudgement,
  type RecordedOffers,
} from './offers.ts'
import { raiseAlarm } from './sqlite-alarms.ts'
import { type Query, type Writer } from './sqlite-connection.ts'
import { isPurged } from './sqlite-purge.ts'
import { logChange } from './sqlite-repositories.ts'

interface OfOffer {
  readonly repository: string
  readonly name: string
  readonly version: string
}

const REPOSITORY_ID = '(SELECT id FROM repositories WHERE name = @repository)'

interface KnownRow {
  readonly id: number
  readonly listed: number
  readonly isSame: number
}

/** `fragment` is what the index would say of it. */
const FIND: Query<OfOffer & { fragment: string | null }, KnownRow> = {
  sql: `SELECT id, listed, fragment IS @fragment AS isSame FROM offers
        WHERE repository_id = ${REPOSITORY_ID} AND name = @name AND version = @version`,
}

const FIND_OWNER: Query<{ repository: string; filename: string }, OfferId> = {
  sql: `SELECT name, version FROM offers WHERE repository_id = ${REPOSITORY_ID} AND filename = @filename
        UNION ALL
        SELECT name, version FROM versions WHERE repository_id = ${REPOSITORY_ID} AND filename = @filename`,
}

interface EntryParameters extends OfOffer {
  readonly upstream: string
  readonly sortKey: string
  readonly filename: string
  readonly digest: string | null
  readonly urls: string
  readonly createdAt: string | null
  readonly fragment: string
  readonly state: string
  readonly heldUntil: string | null
  readonly agesFrom: string
  readonly at: string
}

const UPSTREAM_LISTED = `coalesce((SELECT listed FROM upstreams
                                   WHERE repository_id = ${REPOSITORY_ID} AND name = @upstream), 0)`

const INSERT: Query<EntryParameters> = {
  sql: `INSERT INTO offers (repository_id, upstream, name, version, sort_key, filename, digest, urls, created_at,
                            first_seen_at, ages_from, state, held_until, upstream_listed, fragment, stored)
        SELECT r.id, @upstream, @name, @version, @sortKey, @filename, @digest, @urls, @createdAt,
               @at, @agesFrom, @state, @heldUntil, ${UPSTREAM_LISTED}, @fragment,
               EXISTS (SELECT 1 FROM versions WHERE repository_id = r.id AND filename = @filename)
        FROM repositories r WHERE r.name = @repository`,
}

const DESCRIBE = `upstream = @upstream, digest = @digest, urls = @urls, created_at = @createdAt, fragment = @fragment,
                  upstream_listed = ${UPSTREAM_LISTED}, gone_at = NULL, other_digest = NULL, other_seen_at = NULL`

/** Who has opened or rejected it meanwhile has the last word. */
const UPDATE: Query<EntryParameters & { id: number }> = {
  sql: `UPDATE offers
        SET ${DESCRIBE}, held_until = iif(state = 'held', @heldUntil, NULL), state = iif(state = 'held', @state, state)
        WHERE id = @id`,
}

const RENEW: Query<EntryParameters & { id: number }> = {
  sql: `UPDATE offers
        SET ${DESCRIBE}, first_seen_at = @at, ages_from = @agesFrom, alarm = NULL,
            held_until = iif(state = 'rejected', NULL, @heldUntil), state = iif(state = 'rejected', state, @state)
        WHERE id = @id`,
}

const OTHER_DIGEST: Query<{ id: number; repository: string; upstream: string; digest: string; at: string }> =
  {
    sql: `UPDATE offers
        SET upstream = @upstream, upstream_listed = ${UPSTREAM_LISTED}, gone_at = NULL, other_digest = @digest,
            other_seen_at = iif(other_digest IS @digest, other_seen_at, @at)
        WHERE id = @id`,
  }

const GONE: Query<{ id: number; at: string }> = {
  sql: 'UPDATE offers SET gone_at = @at WHERE id = @id',
}

const LISTED: Query<{ id: number }, { listed: number }> = { sql: 'SELECT listed FROM offers WHERE id = @id' }

/** One call of `Offers.recordOffers`. */
export interface OfferRecording {
  readonly repository: RepositoryName
  readonly upstream: string
  readonly differences: readonly OfferDifference[]
  readonly by: Actor
}

export function recordOffers(tx: Writer, recording: OfferRecording): RecordedOffers {
  const outcome: Collected = { alarms: [], refused: [] }
  for (const difference of recording.differences) {
    if (difference.kind === 'offered') recordOffered(tx, recording, difference, outcome)
    else recordNews(tx, recording, difference, outcome)
  }
  return outcome
}

interface Collected {
  readonly alarms: (OfferId & OfferAlarm)[]
  readonly refused: (OfferId & { readonly reason: string })[]
}

function recordOffered(
  tx: Writer,
  recording: OfferRecording,
  { entry, judgement, isNew }: OfferDifference & { readonly kind: 'offered' },
  outcome: Collected,
): void {
  const { repository } = recording
  const { name, version, fragment } = entry
  const { digest } = entry
  if (digest !== undefined && isPurged(tx, { repository, digest, contentDigest: digest })) {
    outcome.refused.push({ name, version, reason: 'its content was purged' })
    return
  }
  const parameters = entryParameters(recording, entry, judgement)
  const known = tx.get(FIND, { repository, name, version, fragment })
  if (known !== undefined) {
    tx.run(isNew ? RENEW : UPDATE, { ...parameters, id: known.id })
    logListing(tx, recording, entry, known)
    return
  }
  const owner = tx.get(FIND_OWNER, { repository, filename: entry.filename })
  if (owner !== undefined && (owner.name !== name || owner.version !== version)) {
    const reason = `its file name is that of chart ${owner.name} version ${owner.version}`
    outcome.refused.push({ name, version, reason })
    return
  }
  tx.run(INSERT, parameters)
  const added = tx.get(FIND, { repository, name, version, fragment })
  if (added?.listed === 1) logChange(tx, 'offer', { repository, name, version }, recording.by)
}

function recordNews(
  tx: Writer,
  recording: OfferRecording,
  news: Exclude<OfferDifference, { readonly kind: 'offered' }>,
  outcome: Collected,
): void {
  const { repository, upstream, by } = recording
  const at = by.at.toISOString()
  const known = tx.get(FIND, { repository, ...news.id, fragment: null })
  if (known === undefined) return
  if (news.kind === 'gone') tx.run(GONE, { id: known.id, at })
  else {
    const { digest, reason } = news
    tx.run(OTHER_DIGEST, { id: known.id, repository, upstream, digest, at })
    const alarm: OfferAlarm = { kind: 'digest-changed', upstream, digest, reason }
    if (raiseAlarm(tx, { repository, ...news.id }, alarm, by) === 'raised')
      outcome.alarms.push({ ...news.id, ...alarm })
  }
  logListing(tx, recording, news.id, { ...known, isSame: 1 })
}

/** If the index has another content now. */
function logListing(
  tx: Writer,
  { repository, by }: OfferRecording,
  { name, version }: OfferId,
  before: KnownRow,
): void {
  const listed = tx.get(LISTED, { id: before.id })?.listed ?? 0
  if (listed === before.listed && (listed === 0 || before.isSame === 1)) return
  logChange(tx, listed === 1 ? 'offer' : 'retract', { repository, name, version }, by)
}

function entryParameters(
  { repository, upstream, by }: OfferRecording,
  entry: OfferEntry & { readonly name: ChartName; readonly version: ChartVersion },
  { state, heldUntil, agesFrom }: OfferJudgement,
): EntryParameters {
  const { name, version, sortKey, filename, digest, createdAt, urls, fragment } = entry
  return {
    repository,
    upstream,
    name,
    version,
    sortKey,
    filename,
    digest: digest ?? null,
    urls: JSON.stringify(urls),
    createdAt: createdAt?.toISOString() ?? null,
    fragment,
    state,
    heldUntil: heldUntil?.toISOString() ?? null,
    agesFrom: agesFrom.toISOString(),
    at: by.at.toISOString(),
  }
}
