import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type VersionId } from './actor.ts'
import { type Offer, type OfferCount, type OfferQuery, type UpstreamRecord } from './offers.ts'
import { type Query, type Reader } from './sqlite-connection.ts'
import {
  offerFromRow,
  type OfferRow,
  SELECT_OFFER,
  upstreamFromRow,
  type UpstreamRow,
} from './sqlite-offer-rows.ts'

const FIND: Query<{ repository: string; name: string; version: string }, OfferRow> = {
  sql: `${SELECT_OFFER} AND o.name = @name AND o.version = @version`,
}

const FIND_BY_FILENAME: Query<{ repository: string; filename: string }, OfferRow> = {
  sql: `${SELECT_OFFER} AND o.filename = @filename`,
}

type Which = NonNullable<OfferQuery['which']>

const CONDITIONS: Readonly<Record<Which, string>> = {
  all: '',
  present: 'AND o.gone_at IS NULL',
  missing: `AND o.gone_at IS NULL AND o.state = 'open' AND o.stored = 0`,
  held: `AND o.gone_at IS NULL AND o.state = 'held'`,
  rejected: `AND o.gone_at IS NULL AND o.state = 'rejected'`,
}

interface PageParameters {
  readonly repository: string
  readonly name: string
  readonly version: string
  readonly limit: number
}

/** Of one chart, or of all: each reads no others. */
function pageQuery(which: Which, chart: ChartName | undefined): Query<PageParameters, OfferRow> {
  const after =
    chart === undefined
      ? '(o.name, o.version) > (@name, @version)'
      : 'o.name = @name AND o.version > @version'
  return {
    sql: `${SELECT_OFFER} AND ${after} ${CONDITIONS[which]} ORDER BY o.name, o.version LIMIT @limit`,
  }
}

const COUNT: Query<{ repository: string }, OfferCount> = {
  sql: `SELECT upstream, sum(state = 'open') AS open, sum(state = 'held') AS held,
               sum(state = 'rejected') AS rejected, sum(stored) AS stored
        FROM offers
        WHERE repository_id = (SELECT id FROM repositories WHERE name = @repository) AND gone_at IS NULL
        GROUP BY upstream ORDER BY upstream`,
}

const CHARTS: Query<{ repository: string; upstream: string }, { name: ChartName }> = {
  sql: `SELECT DISTINCT name FROM offers
        WHERE repository_id = (SELECT id FROM repositories WHERE name = @repository)
          AND upstream = @upstream AND gone_at IS NULL
        ORDER BY name`,
}

export const SELECT_UPSTREAM = `
  SELECT u.name, u.url, u.listed, u.checked_at, u.changed_at, u.entries, u.refused, u.etag, u.last_modified,
         u.digest, u.settings, u.error, u.error_at
  FROM upstreams u JOIN repositories r ON r.id = u.repository_id
  WHERE r.name = @repository`

const UPSTREAMS: Query<{ repository: string }, UpstreamRow> = { sql: `${SELECT_UPSTREAM} ORDER BY u.name` }

export function findOffer(tx: Reader, { repository, name, version }: VersionId): Offer | undefined {
  const row = tx.get(FIND, { repository, name, version })
  return row && offerFromRow(row)
}

export function findOfferByFilename(
  tx: Reader,
  repository: RepositoryName,
  filename: ArchiveFilename,
): Offer | undefined {
  const row = tx.get(FIND_BY_FILENAME, { repository, filename })
  return row && offerFromRow(row)
}

/** Those behind `after`. */
export function listOfferPage(
  tx: Reader,
  repository: RepositoryName,
  { which = 'all', chart }: OfferQuery,
  { after, limit }: { readonly after: Pick<Offer, 'name' | 'version'> | undefined; readonly limit: number },
): Offer[] {
  const { name = '', version = '' } = after ?? {}
  const parameters = { repository, name: chart ?? name, version, limit }
  return tx.all(pageQuery(which, chart), parameters).map(offerFromRow)
}

export function countOffers(tx: Reader, repository: RepositoryName): OfferCount[] {
  return tx.all(COUNT, { repository })
}

export function listOfferedCharts(tx: Reader, repository: RepositoryName, upstream: string): ChartName[] {
  return tx.all(CHARTS, { repository, upstream }).map(({ name }) => name)
}

export function listUpstreams(tx: Reader, repository: RepositoryName): UpstreamRecord[] {
  return tx.all(UPSTREAMS, { repository }).map(upstreamFromRow)
}
