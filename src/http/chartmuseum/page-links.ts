export interface Page {
  readonly offset: number
  readonly limit?: number
  readonly total: number
}

/** The `Link` header (RFC 8288) that leads to the other pages; `''` where there are no pages. */
export function pageLinks(url: string, { offset, limit, total }: Page): string {
  if (limit === undefined) return ''
  const last = Math.max(0, Math.ceil(total / limit) - 1) * limit
  const offsets = {
    first: 0,
    prev: offset > 0 ? Math.max(0, Math.min(offset - limit, last)) : undefined,
    next: offset + limit < total ? offset + limit : undefined,
    last,
  }
  return Object.entries(offsets)
    .flatMap(([rel, at]) => (at === undefined ? [] : [`<${withOffset(url, at)}>; rel="${rel}"`]))
    .join(', ')
}

/** The path and query of the request, which the URL parser has rid of everything that could end the link. */
function withOffset(url: string, offset: number): string {
  const { pathname, searchParams } = new URL(url, 'https://chartroom')
  searchParams.set('offset', String(offset))
  return `${pathname}?${searchParams.toString()}`
}
