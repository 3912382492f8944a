import { type Catalog } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'

export interface LastSync {
  readonly at: Date
  readonly by: string
  /** Whether nothing was refused, or left for the next one. */
  readonly complete: boolean
  readonly summary: string
}

/** The audit trail has a row of each run, whichever process made it. */
export async function findLastSync(
  catalog: Pick<Catalog, 'listAudit'>,
  repository: RepositoryName,
  which: 'any' | 'complete' = 'any',
): Promise<LastSync | undefined> {
  const query = { repository, action: 'mirror-sync', limit: 1 } as const
  if (which === 'complete') {
    const done = await catalog.listAudit({ ...query, outcome: 'done' })
    const unchanged = await catalog.listAudit({ ...query, outcome: 'unchanged' })
    return [...done, ...unchanged].map(describeSyncRow).toSorted((a, b) => b.at.getTime() - a.at.getTime())[0]
  }
  return (await catalog.listAudit(query)).map(describeSyncRow)[0]
}

type Row = Awaited<ReturnType<Catalog['listAudit']>>[number]

function describeSyncRow({ at, who, outcome, detail = '' }: Row): LastSync {
  return { at, by: who, complete: outcome !== 'refused', summary: detail }
}
