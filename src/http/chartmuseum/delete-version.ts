import { type Catalog } from '../../catalog/catalog.ts'
import { withdraw } from '../../repository/withdraw.ts'
import { type Handler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'
import { versionIdOf } from './version-id.ts'

export function deleteVersion(deps: { readonly catalog: Catalog }): Handler<'delete'> {
  return async ({ authorisation, params, actor }) => {
    await withdraw(deps, authorisation, versionIdOf(authorisation, params), actor)
    return jsonReply(200, { deleted: true })
  }
}
