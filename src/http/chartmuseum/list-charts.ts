import { readIndex, type ReadIndexDeps } from '../../repository/read-index.ts'
import { type Handler } from '../exchange.ts'

/** `{name: [ChartVersion…]}`: what stands under `entries` in the index. */
export function listCharts(deps: ReadIndexDeps): Handler<'read'> {
  return async ({ authorisation }) => {
    const { index, tag } = await readIndex(deps, authorisation)
    return {
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'private, no-cache' },
      etag: `"${tag}.entries"`,
      body: { kind: 'bytes', bytes: () => index.entriesToBuffers() },
    }
  }
}
