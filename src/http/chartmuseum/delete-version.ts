import { withdraw, type WithdrawDeps } from '../../repository/withdraw.ts'
import { type Handler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'
import { worded } from '../worded.ts'
import { versionIdOf } from './version-id.ts'
import { versionWords } from './version-words.ts'

export function deleteVersion(deps: WithdrawDeps): Handler<'delete'> {
  return worded(versionWords, async ({ authorisation, params, actor }) => {
    await withdraw(deps, authorisation, versionIdOf(authorisation, params), actor)
    return jsonReply(200, { deleted: true })
  })
}
