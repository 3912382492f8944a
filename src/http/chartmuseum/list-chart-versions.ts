import { type Catalog } from '../../catalog/catalog.ts'
import { listVersions } from '../../repository/list-versions.ts'
import { type Handler } from '../exchange.ts'
import { worded } from '../worded.ts'
import { chartWords } from './chart-words.ts'
import { fragmentReply, renderVersion } from './fragment-reply.ts'
import { chartNameOf } from './version-id.ts'

/** One chart's versions, the newest first, as they stand in the index. */
export function listChartVersions(deps: { readonly catalog: Catalog }): Handler<'read'> {
  return worded(chartWords, async ({ authorisation, params }) => {
    const versions = await listVersions(deps, authorisation, chartNameOf(params))
    return fragmentReply(`[${versions.map(renderVersion).join(',')}]`)
  })
}
