import { type ListDeps } from '../../repository/list-versions.ts'
import { resolveVersion } from '../../repository/resolve-version.ts'
import { type VirtualRepositories } from '../../repository/virtual-repositories.ts'
import { param, type Handler } from '../exchange.ts'
import { worded } from '../worded.ts'
import { fragmentReply, renderVersion } from './fragment-reply.ts'
import { chartNameOf } from './version-id.ts'
import { versionWords } from './version-words.ts'

export interface GetVersionDeps extends ListDeps {
  readonly virtual: VirtualRepositories
}

/** One version, as it stands in the index: by its text, by a constraint, or the `latest`. */
export function getVersion(deps: GetVersionDeps): Handler<'read'> {
  return worded(versionWords, async ({ authorisation, params }) => {
    const wanted = param(params, 'version')
    const name = chartNameOf(params)
    const holder = await deps.virtual.holderOf(authorisation, name)
    const found = await resolveVersion(deps, holder, name, wanted)
    return fragmentReply(renderVersion(found))
  })
}
