import { readIndex, type ReadIndexDeps } from '../../repository/read-index.ts'
import { cacheStatus } from '../cache-status.ts'
import { acceptsGzip, GzippedIndexes } from '../gzip.ts'
import { type Handler } from '../exchange.ts'

/** Clients may keep it, shared caches may not, and everybody asks again: a 304 is cheap. */
const REVALIDATE = 'private, no-cache'

/** Helm's `repo add` and `repo update`; it never asks for gzip, Flux and browsers do. */
export function getIndex(deps: ReadIndexDeps): Handler<'read'> {
  const gzipped = new GzippedIndexes()
  return async ({ authorisation, request }) => {
    const { index, tag, key, freshness } = await readIndex(deps, authorisation)
    const headers = {
      'content-type': 'application/x-yaml',
      'cache-control': REVALIDATE,
      vary: 'accept-encoding',
      ...(freshness && { 'cache-status': cacheStatus(freshness) }),
    }
    if (!acceptsGzip(request.headers['accept-encoding'])) {
      gzipped.keepUp(key, index)
      return {
        status: 200,
        headers,
        etag: `"${tag}"`,
        body: { kind: 'bytes', bytes: () => index.toBuffers() },
      }
    }
    return {
      status: 200,
      headers: { ...headers, 'content-encoding': 'gzip' },
      etag: `"${tag}.gzip"`,
      body: { kind: 'bytes', bytes: () => gzipped.read(key, index) },
    }
  }
}
