import { type Digest } from '../chart/digest.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type Actor, type VersionId } from './actor.ts'
import { type OfferSelection } from './offers.ts'
import { appendAudit } from './sqlite-audit.ts'
import { type Query, type Reader, type Writer } from './sqlite-connection.ts'
import { logChange } from './sqlite-repositories.ts'

/** Changes to offers that are there already; each that changes the index is logged as such. */

interface FoundRow {
  readonly id: number
  readonly name: ChartName
  readonly version: ChartVersion
  readonly listed: number
}

const FOUND = `
  SELECT o.id, o.name, o.version, o.listed FROM offers o
  WHERE o.repository_id = (SELECT id FROM repositories WHERE name = @repository)`

const LISTED: Query<{ id: number }, { listed: number }> = { sql: 'SELECT listed FROM offers WHERE id = @id' }

const AGED: Query<{ repository: string; now: string; limit: number }, FoundRow> = {
  sql: `${FOUND} AND o.state = 'held' AND o.held_until <= @now LIMIT @limit`,
}

const PRESENT: Query<{ repository: string; upstream: string; limit: number }, FoundRow> = {
  sql: `${FOUND} AND o.upstream = @upstream AND o.gone_at IS NULL LIMIT @limit`,
}

const LISTED_OTHERWISE: Query<{ repository: string; upstream: string; limit: number }, FoundRow> = {
  sql: `${FOUND} AND o.upstream = @upstream AND o.gone_at IS NULL
        AND o.upstream_listed <> (SELECT listed FROM upstreams
                                  WHERE repository_id = o.repository_id AND name = @upstream)
        LIMIT @limit`,
}

const UPSTREAM_NAMES: Query<{ repository: string }, { name: string }> = {
  sql: `SELECT upstream AS name FROM offers
        WHERE repository_id = (SELECT id FROM repositories WHERE name = @repository) AND gone_at IS NULL
        UNION
        SELECT name FROM upstreams
        WHERE repository_id = (SELECT id FROM repositories WHERE name = @repository)`,
}

interface SelectionParameters {
  readonly repository: string
  readonly chart: string
  readonly version: string | null
}

const SELECTED = `${FOUND} AND o.name = @chart AND (@version IS NULL OR o.version = @version) AND o.gone_at IS NULL`

/** What is rejected comes back only by its version, and not if its content was purged. */
const RELEASABLE: Query<SelectionParameters, FoundRow> = {
  sql: `${SELECTED} AND (o.state = 'held' OR (o.state = 'rejected' AND @version IS NOT NULL))
        AND NOT EXISTS (SELECT 1 FROM purged p
                        WHERE p.digest = o.digest AND (p.repository IS NULL OR p.repository = @repository))`,
}

/** Reads all offers: purging is rare. */
const OF_CONTENT: Query<
  { digest: Digest; repository: RepositoryName | null },
  FoundRow & { readonly repository: RepositoryName }
> = {
  sql: `SELECT o.id, o.name, o.version, o.listed, r.name AS repository
        FROM offers o JOIN repositories r ON r.id = o.repository_id
        WHERE o.digest = @digest AND o.state <> 'rejected' AND (@repository IS NULL OR r.name = @repository)`,
}

const REJECTABLE: Query<SelectionParameters, FoundRow> = {
  sql: `${SELECTED} AND o.state <> 'rejected' AND o.stored = 0`,
}

const OPEN: Query<{ id: number }> = {
  sql: `UPDATE offers SET state = 'open', held_until = NULL WHERE id = @id`,
}

const REJECT: Query<{ id: number }> = {
  sql: `UPDATE offers SET state = 'rejected', held_until = NULL WHERE id = @id`,
}

const GONE: Query<{ id: number; at: string }> = {
  sql: 'UPDATE offers SET gone_at = @at WHERE id = @id',
}

const RELIST: Query<{ id: number }> = {
  sql: 'UPDATE offers SET upstream_listed = 1 - upstream_listed WHERE id = @id',
}

export function openAged(
  tx: Writer,
  repository: RepositoryName,
  { now, limit, by }: { readonly now: Date; readonly limit: number; readonly by: Actor },
): number {
  const rows = tx.all(AGED, { repository, now: now.toISOString(), limit })
  return alter(tx, repository, rows, by, (id) => tx.run(OPEN, { id }))
}

export function hasAged(tx: Reader, repository: RepositoryName, now: Date): boolean {
  return tx.get(AGED, { repository, now: now.toISOString(), limit: 1 }) !== undefined
}

/** All upstreams that the repository has had anything from. */
export function listUpstreamNames(tx: Reader, repository: RepositoryName): string[] {
  return tx.all(UPSTREAM_NAMES, { repository }).map(({ name }) => name)
}

export interface Batch {
  readonly upstream: string
  readonly limit: number
  readonly by: Actor
}

export function retractOffers(
  tx: Writer,
  repository: RepositoryName,
  { upstream, limit, by }: Batch,
): number {
  const rows = tx.all(PRESENT, { repository, upstream, limit })
  return alter(tx, repository, rows, by, (id) => tx.run(GONE, { id, at: by.at.toISOString() }))
}

/** Makes the offers what their upstream's record says of being listed. */
export function relistOffers(tx: Writer, repository: RepositoryName, { upstream, limit, by }: Batch): number {
  const rows = tx.all(LISTED_OTHERWISE, { repository, upstream, limit })
  return alter(tx, repository, rows, by, (id) => tx.run(RELIST, { id }))
}

export function releaseOffers(tx: Writer, selection: OfferSelection, by: Actor): VersionId[] {
  const rows = select(tx, RELEASABLE, selection)
  alter(tx, selection.repository, rows, by, (id) => tx.run(OPEN, { id }))
  return audited(tx, selection.repository, rows, { by, action: 'mirror-release' })
}

export function rejectOffers(tx: Writer, selection: OfferSelection, by: Actor): VersionId[] {
  const rows = select(tx, REJECTABLE, selection)
  alter(tx, selection.repository, rows, by, (id) => tx.run(REJECT, { id }))
  return audited(tx, selection.repository, rows, { by, action: 'mirror-reject' })
}

/** What was purged is not offered either; `null` is everywhere. The purge has its own row in the audit trail. */
export function rejectContent(
  tx: Writer,
  {
    digest,
    repository,
    by,
  }: {
    readonly digest: Digest
    readonly repository: RepositoryName | null
    readonly by: Actor
  },
): void {
  for (const row of tx.all(OF_CONTENT, { digest, repository }))
    alter(tx, row.repository, [row], by, (id) => tx.run(REJECT, { id }))
}

function select(
  tx: Reader,
  query: Query<SelectionParameters, FoundRow>,
  { repository, chart, versions }: OfferSelection,
): FoundRow[] {
  const wanted = versions ?? [null]
  return wanted.flatMap((version) => tx.all(query, { repository, chart, version }))
}

function audited(
  tx: Writer,
  repository: RepositoryName,
  rows: readonly FoundRow[],
  { by, action }: { readonly by: Actor; readonly action: 'mirror-release' | 'mirror-reject' },
): VersionId[] {
  return rows.map(({ name, version }) => {
    appendAudit(tx, { ...by, action, outcome: 'done', repository, chart: name, version })
    return { repository, name, version }
  })
}

/** Returns how many rows that were. */
function alter(
  tx: Writer,
  repository: RepositoryName,
  rows: readonly FoundRow[],
  by: Actor,
  change: (id: number) => void,
): number {
  for (const { id, name, version, listed } of rows) {
    change(id)
    const isListed = tx.get(LISTED, { id })?.listed ?? 0
    if (isListed === listed) continue
    logChange(tx, isListed === 1 ? 'offer' : 'retract', { repository, name, version }, by)
  }
  return rows.length
}
