import { AppError } from '../../errors.ts'
import { listCharts as listPage, type ChartQuery } from '../../repository/list-charts.ts'
import { type ReadIndexDeps } from '../../repository/read-index.ts'
import { type Handler } from '../exchange.ts'
import { pageLinks } from './page-links.ts'

/**
 * `{name: [ChartVersion…]}`: what stands under `entries` in the index. `q` looks for a text; `offset` and `limit` count
 * charts, in order of name.
 */
export function listCharts(deps: ReadIndexDeps): Handler<'read'> {
  return async ({ authorisation, query, request }) => {
    const wanted = chartQueryOf(query)
    const { index, tag, total } = await listPage(deps, authorisation, wanted)
    const links = pageLinks(request.url ?? '', { ...wanted, total })
    return {
      status: 200,
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'cache-control': 'private, no-cache',
        'x-total-count': String(total),
        ...(links !== '' && { link: links }),
      },
      etag: `"${tag}.entries"`,
      body: { kind: 'bytes', bytes: () => index.entriesToBuffers() },
    }
  }
}

/** Throws `request-invalid`, in ChartMuseum's words. */
function chartQueryOf(query: URLSearchParams): ChartQuery {
  const offset = countOf(query, 'offset') ?? 0
  if (Number.isNaN(offset))
    throw new AppError('request-invalid', 'offset is not a valid non-negative integer')
  const limit = countOf(query, 'limit')
  if (limit === 0 || Number.isNaN(limit)) {
    throw new AppError('request-invalid', 'limit is not a valid positive integer')
  }
  return { text: query.get('q')?.trim() ?? '', offset, ...(limit !== undefined && { limit }) }
}

/** `undefined` when it is not given, NaN when it is no count. */
function countOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name)
  if (text === null) return undefined
  return /^\+?[0-9]{1,15}$/.test(text) ? Number(text) : NaN
}
