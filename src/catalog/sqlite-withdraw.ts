import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type Actor, type VersionId, type VersionRecord } from './catalog.ts'
import { versionFromRow } from './rows.ts'
import { type Query, type Writer } from './sqlite-connection.ts'
import { forgetProvenance } from './sqlite-provenance.ts'
import { recordChange } from './sqlite-repositories.ts'
import { findVersionRow, listVersions } from './sqlite-versions.ts'

const WITHDRAW: Query<{ versionId: number; at: string; by: string }> = {
  sql: 'UPDATE versions SET withdrawn_at = @at, withdrawn_by = @by WHERE id = @versionId',
}

export function withdrawVersion(tx: Writer, id: VersionId, by: Actor): VersionRecord | undefined {
  const row = findVersionRow(tx, id)
  if (row === undefined) return undefined
  tx.run(WITHDRAW, { versionId: row.id, at: by.at.toISOString(), by: by.who })
  forgetProvenance(tx, row.id)
  recordChange(tx, 'delete', id, by)
  return versionFromRow(row)
}

export function withdrawChart(
  tx: Writer,
  repository: RepositoryName,
  name: ChartName,
  by: Actor,
): VersionRecord[] {
  return listVersions(tx, repository, name).flatMap((version) => withdrawVersion(tx, version, by) ?? [])
}
