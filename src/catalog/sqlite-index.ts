import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { Turn } from '../ops/turn.ts'
import { type ChangedVersion, type IndexChanges, type IndexedVersion, type IndexSnapshot } from './catalog.ts'
import { type RepositoryRow } from './rows.ts'
import { type Query, type Reader } from './sqlite-connection.ts'
import { findRepositoryRow } from './sqlite-repositories.ts'

/** With indexes in the same order, no row is sorted: the two are merged. */
const WHOLE: Query<{ repositoryId: number }, IndexedVersion> = {
  sql: `SELECT name, sort_key AS sortKey, fragment FROM versions
        WHERE repository_id = @repositoryId AND withdrawn_at IS NULL
        UNION ALL
        SELECT name, sort_key AS sortKey, fragment FROM offers
        WHERE repository_id = @repositoryId AND listed = 1
        ORDER BY name, sortKey DESC`,
}

interface ChangeRow {
  readonly name: ChartName
  readonly sortKey: string
  /** `null` for a version that is withdrawn, and for an offer that is not listed. */
  readonly fragment: string | null
}

/** In the order of the log: a version that changed twice comes twice, both times as it is now. An offer counts if nothing is stored. */
const SINCE: Query<{ repositoryId: number; since: number }, ChangeRow> = {
  sql: `SELECT c.chart AS name, coalesce(v.sort_key, o.sort_key) AS sortKey,
               CASE WHEN v.id IS NULL THEN iif(o.listed, o.fragment, NULL)
                    WHEN v.withdrawn_at IS NULL THEN v.fragment END AS fragment
        FROM changes c
        LEFT JOIN versions v
          ON v.repository_id = c.repository_id AND v.name = c.chart AND v.version = c.version
        LEFT JOIN offers o
          ON v.id IS NULL AND o.repository_id = c.repository_id AND o.name = c.chart AND o.version = c.version
        WHERE c.repository_id = @repositoryId AND c.revision > @since
        ORDER BY c.revision`,
}

const OLDEST_CHANGE: Query<{ repositoryId: number }, { revision: number | null }> = {
  sql: 'SELECT min(revision) AS revision FROM changes WHERE repository_id = @repositoryId',
}

/** Past this many changes the whole index is read instead: they may be in every part of it. */
const MOST_CHANGES = 10_000

/** As many more than the repository has versions are read rather than the whole. */
const CHANGES_TO_SPARE = 1_000

/** Rows come to the reader in batches of about this size, so that it does not hold many as text. */
const BATCH_ROWS = 64

/** To be called on a snapshot of its own: it awaits. */
export async function readIndex<T>(
  tx: Reader,
  name: RepositoryName,
  read: (snapshot: IndexSnapshot) => Promise<T>,
): Promise<T | undefined> {
  const repository = findRepositoryRow(tx, name)
  if (repository === undefined) return undefined
  const { id, revision, changed_at: changedAt } = repository
  return read({ revision, changedAt: new Date(changedAt), versions: readVersions(tx, id) })
}

/** To be called on a snapshot of its own: it awaits. */
export async function readIndexSince(
  tx: Reader,
  name: RepositoryName,
  since: number,
): Promise<IndexChanges | 'too-old' | undefined> {
  const repository = findRepositoryRow(tx, name)
  if (repository === undefined) return undefined
  if (!reachesBackTo(tx, repository, since)) return 'too-old'
  const { id, revision, changed_at: changedAt } = repository
  return { revision, changedAt: new Date(changedAt), versions: await readChanges(tx, id, since) }
}

/** Whether the change log holds every change after `since`, and few enough. A revision yet to come is of another history. */
function reachesBackTo(tx: Reader, repository: RepositoryRow, since: number): boolean {
  const { id, revision, live_versions: versions } = repository
  if (since >= revision) return since === revision
  if (revision - since > Math.min(MOST_CHANGES, versions + CHANGES_TO_SPARE)) return false
  const oldest = tx.get(OLDEST_CHANGE, { repositoryId: id })?.revision ?? revision + 1
  return since >= oldest - 1
}

async function* readVersions(tx: Reader, repositoryId: number): AsyncIterable<readonly IndexedVersion[]> {
  const turn = new Turn()
  let batch: IndexedVersion[] = []
  for (const row of tx.iterate(WHOLE, { repositoryId })) {
    batch.push(row)
    if (batch.length < BATCH_ROWS && !turn.isOver) continue
    yield batch
    batch = []
    if (turn.isOver) await turn.next()
  }
  yield batch
}

async function readChanges(tx: Reader, repositoryId: number, since: number): Promise<ChangedVersion[]> {
  const turn = new Turn()
  const versions = new Map<string, ChangedVersion>()
  for (const { name, sortKey, fragment } of tx.iterate(SINCE, { repositoryId, since })) {
    versions.set(`${name} ${sortKey}`, { name, sortKey, fragment: fragment ?? undefined })
    if (turn.isOver) await turn.next()
  }
  return [...versions.values()]
}
