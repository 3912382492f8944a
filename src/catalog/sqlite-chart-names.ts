import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { Turn } from '../ops/turn.ts'
import { type ChartNames } from './catalog.ts'
import { type Query, type Reader } from './sqlite-connection.ts'
import { findRepositoryRow } from './sqlite-repositories.ts'

/** From the index that makes versions unique, without a look at the rows. */
const NAMES: Query<{ repositoryId: number }, { name: ChartName }> = {
  sql: 'SELECT DISTINCT name FROM versions WHERE repository_id = @repositoryId ORDER BY name',
}

/** To be called on a snapshot of its own: it awaits. */
export async function listChartNames(
  tx: Reader,
  repository: RepositoryName,
): Promise<ChartNames | undefined> {
  const row = findRepositoryRow(tx, repository)
  if (row === undefined) return undefined
  const turn = new Turn()
  const names: ChartName[] = []
  for (const { name } of tx.iterate(NAMES, { repositoryId: row.id })) {
    names.push(name)
    if (turn.isOver) await turn.next()
  }
  return { revision: row.revision, names }
}
