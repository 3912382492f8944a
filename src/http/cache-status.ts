import { type Freshness } from '../repository/freshness.ts'
import { asciiOnly } from '../text.ts'

const LONGEST_DETAIL = 200

/** `Cache-Status` (RFC 9211) of what a mirror serves from its own store; a negative `ttl` says that it is stale. */
export function cacheStatus({ ttlMs, detail }: Freshness): string {
  const hit = `chartroom; hit; ttl=${Math.floor(ttlMs / 1000)}`
  return detail === undefined ? hit : `${hit}; detail=${structuredString(detail)}`
}

/** RFC 8941, section 3.3.3. */
function structuredString(text: string): string {
  return `"${asciiOnly(text).slice(0, LONGEST_DETAIL).replace(/["\\]/g, '\\$&')}"`
}
