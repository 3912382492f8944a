import { parseChartName } from '../../chart/name.ts'
import { type Catalog } from '../../catalog/catalog.ts'
import { listVersions } from '../../repository/list-versions.ts'
import { param, type Handler } from '../exchange.ts'
import { fragmentReply } from './fragment-reply.ts'

/** One chart's versions, the newest first, as they stand in the index. */
export function listChartVersions(deps: { readonly catalog: Catalog }): Handler<'read'> {
  return async ({ authorisation, params }) => {
    const versions = await listVersions(deps, authorisation, parseChartName(param(params, 'name')))
    return fragmentReply(`[${versions.map(({ fragment }) => fragment).join(',')}]`)
  }
}
