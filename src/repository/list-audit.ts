import { type AuditQuery, type AuditRecord, type Catalog } from '../catalog/catalog.ts'
import { ROOT_REPOSITORY } from '../chart/repository-name.ts'
import { type Authorisation } from '../policy/policy.ts'

export interface AuditPage {
  readonly entries: readonly AuditRecord[]
  /** The last entry of this page, where more follow. */
  readonly last?: AuditRecord
}

/** The audit trail of the whole server, for whoever administers the root repository. */
export async function listAudit(
  { catalog }: { readonly catalog: Catalog },
  authorisation: Authorisation<'admin'>,
  query: AuditQuery,
): Promise<AuditPage> {
  if (authorisation.repository !== ROOT_REPOSITORY) {
    throw new TypeError('the audit trail is that of the root repository')
  }
  const found = await catalog.listAudit({ ...query, limit: query.limit + 1 })
  const entries = found.slice(0, query.limit)
  const last = found.length > entries.length ? entries.at(-1) : undefined
  return { entries, ...(last && { last }) }
}
