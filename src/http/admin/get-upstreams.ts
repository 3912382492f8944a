import { type Catalog } from '../../catalog/catalog.ts'
import { describeRepository, type RepositoryName } from '../../chart/repository-name.ts'
import { AppError } from '../../errors.ts'
import { type Mirror } from '../../mirror/mirror.ts'
import { readMirrorStatus } from '../../mirror/status.ts'
import { type SyncRuns } from '../../mirror/sync-runs.ts'
import { type Handler } from '../exchange.ts'
import { jsonReply } from '../reply.ts'

export interface GetUpstreamsDeps {
  readonly catalog: Catalog
  readonly findMirror: (repository: RepositoryName) => Mirror | undefined
  readonly syncs: Pick<SyncRuns, 'running'>
}

/** How far a mirror is, and what its upstreams answered last: `chartroom mirror status`, and the sync of this process. */
export function getUpstreams({ catalog, findMirror, syncs }: GetUpstreamsDeps): Handler<'admin'> {
  return async ({ authorisation: { repository }, actor }) => {
    const mirror = findMirror(repository)
    if (mirror === undefined) {
      throw new AppError('repository-unknown', `${describeRepository(repository)} is no mirror`)
    }
    const { settings } = mirror
    const upstreams = mirror.upstreams.map(({ name, upstream }) => ({ name, url: upstream.url.href }))
    const status = await readMirrorStatus(catalog, { repository, settings, upstreams }, actor.at)
    const syncing = syncs.running(repository)
    const headers = { 'cache-control': 'no-store' }
    return jsonReply(200, { ...status, ...(syncing && { syncing }) }, { headers })
  }
}
