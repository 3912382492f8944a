import { type Fetcher } from '../mirror/fetch-offer.ts'
import { refreshMirror } from '../mirror/refresh.ts'
import { SyncScheduler } from '../mirror/scheduler.ts'
import { SyncRuns } from '../mirror/sync-runs.ts'
import { type Closers } from '../ops/close.ts'
import { type Mirrors } from './mirrors.ts'
import { refreshDeps, type RefreshingDeps } from './refreshing.ts'

export interface MirrorSyncsDeps extends RefreshingDeps {
  readonly fetcher: Fetcher
}

/** Synchronises the mirrors by their schedules, and when somebody asks for it, as long as the server runs. */
export function keepMirrorsSynced(deps: MirrorSyncsDeps, mirrors: Mirrors, closers: Closers): SyncRuns {
  const refreshing = refreshDeps(deps)
  const runs = closers.add(
    new SyncRuns({
      ...deps,
      findMirror: (repository) => mirrors.find(repository),
      refresh: (mirror, signal) => refreshMirror(refreshing, mirror, { signal }),
    }),
  )
  closers.add(
    new SyncScheduler({
      ...deps,
      runs,
      mirrors: () => mirrors.all(),
      refresh: (mirror, signal) => refreshMirror(refreshing, mirror, { extent: 'stale', signal }),
      random: Math.random,
    }),
  )
  return runs
}
