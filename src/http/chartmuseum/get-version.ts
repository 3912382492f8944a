import * as versions from '../../repository/list-versions.ts'
import { type Catalog } from '../../catalog/catalog.ts'
import { type Handler } from '../exchange.ts'
import { fragmentReply } from './fragment-reply.ts'
import { versionIdOf } from './version-id.ts'

/** One version, as it stands in the index. */
export function getVersion(deps: { readonly catalog: Catalog }): Handler<'read'> {
  return async ({ authorisation, params }) => {
    const { fragment } = await versions.getVersion(deps, authorisation, versionIdOf(authorisation, params))
    return fragmentReply(fragment)
  }
}
