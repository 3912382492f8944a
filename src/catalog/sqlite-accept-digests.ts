import { type Digest } from '../chart/digest.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type Actor, type VersionId } from './actor.ts'
import { type NamedOffers } from './offers.ts'
import { appendAudit } from './sqlite-audit.ts'
import { type Query, type Writer } from './sqlite-connection.ts'
import { logChange } from './sqlite-repositories.ts'

interface ChangedRow {
  readonly id: number
  readonly upstream: string
  readonly digest: Digest | null
  readonly other_digest: Digest
}

interface OfOffer {
  readonly repository: RepositoryName
  readonly name: ChartName
  readonly version: ChartVersion
}

const REPOSITORY_ID = '(SELECT id FROM repositories WHERE name = @repository)'

const FIND_CHANGED: Query<OfOffer, ChangedRow> = {
  sql: `SELECT id, upstream, digest, other_digest FROM offers
        WHERE repository_id = ${REPOSITORY_ID} AND name = @name AND version = @version
          AND other_digest IS NOT NULL AND stored = 0 AND gone_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM purged
                          WHERE purged.digest = other_digest AND (repository IS NULL OR repository = @repository))`,
}

/** What it is otherwise described as comes with the next reading. */
const ACCEPT: Query<{ id: number }> = {
  sql: `UPDATE offers
        SET fragment = replace(fragment, coalesce(digest, ''), other_digest), digest = other_digest,
            other_digest = NULL, other_seen_at = NULL, alarm = NULL, state = 'open', held_until = NULL
        WHERE id = @id`,
}

const LISTED: Query<{ id: number }, { listed: number }> = { sql: 'SELECT listed FROM offers WHERE id = @id' }

/** The next reading asks for the index whatever it is. */
const FORGET_VALIDATORS: Query<{ repository: RepositoryName; upstream: string }> = {
  sql: `UPDATE upstreams SET etag = NULL, last_modified = NULL, digest = NULL
        WHERE repository_id = ${REPOSITORY_ID} AND name = @upstream`,
}

/** See `Offers.acceptDigests`. */
export function acceptDigests(
  tx: Writer,
  { repository, chart, versions }: NamedOffers,
  by: Actor,
): VersionId[] {
  return versions.flatMap((version) => {
    const id = { repository, name: chart, version }
    const changed = tx.get(FIND_CHANGED, id)
    if (changed === undefined) return []
    accept(tx, id, changed, by)
    return id
  })
}

function accept(tx: Writer, offer: OfOffer, changed: ChangedRow, by: Actor): void {
  const { repository, name: chart, version } = offer
  const { id, upstream, digest, other_digest: other } = changed
  tx.run(ACCEPT, { id })
  if (tx.get(LISTED, { id })?.listed === 1) logChange(tx, 'offer', offer, by)
  tx.run(FORGET_VALIDATORS, { repository, upstream })
  const before = digest === null ? 'none' : `sha256:${digest}`
  const detail = `digest sha256:${other} accepted, and was ${before} before`
  appendAudit(tx, { ...by, action: 'mirror-release', outcome: 'done', repository, chart, version, detail })
}
