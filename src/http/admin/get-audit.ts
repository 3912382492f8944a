import { type Catalog } from '../../catalog/catalog.ts'
import { AppError } from '../../errors.ts'
import {
  AUDIT_FILTERS,
  parseAuditQuery,
  renderPosition,
  type AuditFilter,
} from '../../repository/audit-query.ts'
import { listAudit } from '../../repository/list-audit.ts'
import { quoted } from '../../text.ts'
import { type Handler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'

/** Bounds the memory of a reply and the time that the catalog is read for it. */
const MOST_ENTRIES = 1000

/** Who did what, and who was refused what, the newest first; `Link` leads to the next page (RFC 8288). */
export function getAudit(deps: { readonly catalog: Catalog }): Handler<'admin'> {
  return async ({ authorisation, query, actor }) => {
    const wanted = parseAuditQuery(filterOf(query), { now: actor.at, mostEntries: MOST_ENTRIES })
    const { entries, last } = await listAudit(deps, authorisation, wanted)
    const headers = {
      'cache-control': 'no-store',
      ...(last && { link: `<${nextPage(query, renderPosition(last))}>; rel="next"` }),
    }
    return jsonReply(200, entries, { headers })
  }
}

/** A filter that is mistyped must not show more than was asked for. Throws `request-invalid`. */
function filterOf(query: URLSearchParams): AuditFilter {
  const known: ReadonlySet<string> = new Set(AUDIT_FILTERS)
  for (const name of query.keys()) {
    if (!known.has(name)) {
      throw new AppError('request-invalid', `there is no filter ${quoted(name)}: ${AUDIT_FILTERS.join(', ')}`)
    }
    if (query.getAll(name).length > 1) throw new AppError('request-invalid', `${name} is given twice`)
  }
  return Object.fromEntries(query)
}

function nextPage(query: URLSearchParams, before: string): string {
  const next = new URLSearchParams(query)
  next.set('before', before)
  return `?${next.toString()}`
}
