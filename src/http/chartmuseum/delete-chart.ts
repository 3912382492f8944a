import { AppError } from '../../errors.ts'
import { withdrawChart, type WithdrawDeps } from '../../repository/withdraw.ts'
import { type Handler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'
import { worded } from '../worded.ts'
import { chartWords } from './chart-words.ts'
import { chartNameOf } from './version-id.ts'

/** A chart with all its versions. */
export function deleteChart(deps: WithdrawDeps): Handler<'delete'> {
  return worded(chartWords, async ({ authorisation, params, actor, request }) => {
    requireWholePath(request.url ?? '')
    const withdrawn = await withdrawChart(deps, authorisation, chartNameOf(params), actor)
    return jsonReply(200, { deleted: true, versions: withdrawn.map(({ version }) => version) })
  })
}

/** `…/charts/$NAME/$VERSION` from a script whose variable is empty must not delete everything. */
function requireWholePath(url: string): void {
  if (!/^[^?]*\/(?:\?|$)/.test(url)) return
  throw new AppError('request-invalid', 'name the version to delete, or leave out the last / to delete all')
}
