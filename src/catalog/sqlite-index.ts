import { setImmediate } from 'node:timers/promises'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type IndexedChart, type IndexSnapshot } from './catalog.ts'
import { type RepositoryRow } from './rows.ts'
import { type Query, type Reader } from './sqlite-connection.ts'
import { findRepositoryRow } from './sqlite-repositories.ts'

/** About two milliseconds of reading: a repository of 100,000 versions takes a hundred times as long. */
const ROWS_PER_TURN = 1_000

interface IndexRow {
  readonly name: ChartName
  /** `null` for a chart without versions. */
  readonly fragment: string | null
}

const WHOLE: Query<{ repositoryId: number }, IndexRow> = {
  sql: `SELECT name, fragment FROM versions
        WHERE repository_id = @repositoryId AND withdrawn_at IS NULL
        ORDER BY name, sort_key DESC`,
}

const SINCE: Query<{ repositoryId: number; since: number }, IndexRow> = {
  sql: `SELECT c.chart AS name, v.fragment
        FROM (SELECT DISTINCT chart FROM changes
              WHERE repository_id = @repositoryId AND revision > @since) c
        LEFT JOIN versions v
               ON v.repository_id = @repositoryId AND v.name = c.chart AND v.withdrawn_at IS NULL
        ORDER BY c.chart, v.sort_key DESC`,
}

const OLDEST_CHANGE: Query<{ repositoryId: number }, { revision: number | null }> = {
  sql: 'SELECT min(revision) AS revision FROM changes WHERE repository_id = @repositoryId',
}

/** To be called on a snapshot of its own: it awaits. */
export async function readIndex(tx: Reader, name: RepositoryName): Promise<IndexSnapshot | undefined> {
  const repository = findRepositoryRow(tx, name)
  if (repository === undefined) return undefined
  return snapshotOf(repository, tx.iterate(WHOLE, { repositoryId: repository.id }))
}

/** To be called on a snapshot of its own: it awaits. */
export async function readIndexSince(
  tx: Reader,
  name: RepositoryName,
  since: number,
): Promise<IndexSnapshot | 'too-old' | undefined> {
  const repository = findRepositoryRow(tx, name)
  if (repository === undefined) return undefined
  if (!reachesBackTo(tx, repository, since)) return 'too-old'
  return snapshotOf(repository, tx.iterate(SINCE, { repositoryId: repository.id, since }))
}

/** Whether the change log holds every change after `since`. A revision yet to come is of another history. */
function reachesBackTo(tx: Reader, { id, revision }: RepositoryRow, since: number): boolean {
  if (since >= revision) return since === revision
  const oldest = tx.get(OLDEST_CHANGE, { repositoryId: id })?.revision ?? revision + 1
  return since >= oldest - 1
}

async function snapshotOf(repository: RepositoryRow, rows: Iterable<IndexRow>): Promise<IndexSnapshot> {
  return {
    revision: repository.revision,
    changedAt: new Date(repository.changed_at),
    charts: await groupByChart(rows),
  }
}

/** The rows come in order of chart. */
async function groupByChart(rows: Iterable<IndexRow>): Promise<IndexedChart[]> {
  const charts = new Map<ChartName, string[]>()
  let count = 0
  for (const { name, fragment } of rows) {
    const fragments = charts.get(name) ?? []
    if (fragment !== null) fragments.push(fragment)
    charts.set(name, fragments)
    count += 1
    if (count % ROWS_PER_TURN === 0) await setImmediate()
  }
  return Array.from(charts, ([name, fragments]) => ({ name, fragments }))
}
