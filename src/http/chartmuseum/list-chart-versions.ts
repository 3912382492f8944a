import { listVersions } from '../../repository/list-versions.ts'
import { type Handler } from '../exchange.ts'
import { worded } from '../worded.ts'
import { chartWords } from './chart-words.ts'
import { fragmentReply, renderVersion } from './fragment-reply.ts'
import { type GetVersionDeps } from './get-version.ts'
import { chartNameOf } from './version-id.ts'

/** One chart's versions, the newest first, as they stand in the index. */
export function listChartVersions(deps: GetVersionDeps): Handler<'read'> {
  return worded(chartWords, async ({ authorisation, params }) => {
    const name = chartNameOf(params)
    const versions = await listVersions(deps, await deps.virtual.holderOf(authorisation, name), name)
    return fragmentReply(`[${versions.map(renderVersion).join(',')}]`)
  })
}
