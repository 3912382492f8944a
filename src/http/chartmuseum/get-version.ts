import { type Catalog } from '../../catalog/catalog.ts'
import { resolveVersion } from '../../repository/resolve-version.ts'
import { param, type Handler } from '../exchange.ts'
import { worded } from '../worded.ts'
import { fragmentReply, renderVersion } from './fragment-reply.ts'
import { chartNameOf } from './version-id.ts'
import { versionWords } from './version-words.ts'

/** One version, as it stands in the index: by its text, by a constraint, or the `latest`. */
export function getVersion(deps: { readonly catalog: Catalog }): Handler<'read'> {
  return worded(versionWords, async ({ authorisation, params }) => {
    const wanted = param(params, 'version')
    const found = await resolveVersion(deps, authorisation, chartNameOf(params), wanted)
    return fragmentReply(renderVersion(found))
  })
}
