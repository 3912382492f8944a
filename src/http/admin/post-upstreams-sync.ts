import { type SyncRuns } from '../../mirror/sync-runs.ts'
import { type Handler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'

export interface PostUpstreamsSyncDeps {
  readonly syncs: Pick<SyncRuns, 'start'>
}

/** Begins a sync, and answers at once: how it ends, `GET …/upstreams`, the log and the audit trail tell. */
export function postUpstreamsSync({ syncs }: PostUpstreamsSyncDeps): Handler<'admin'> {
  return async ({ authorisation: { repository }, actor }) => {
    const { since, by } = await syncs.start(repository, actor)
    return jsonReply(202, { repository, syncing: { since, by } })
  }
}
