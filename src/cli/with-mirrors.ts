import { pino } from 'pino'
import { Registry } from 'prom-client'
import { openMirror } from '../app/open-mirror.ts'
import { openRepositories } from '../app/open-repositories.ts'
import { openFetcher } from '../app/pull-through.ts'
import { refreshDeps } from '../app/refreshing.ts'
import { readRepositorySettings } from '../app/repository-settings.ts'
import { openStores } from '../app/stores.ts'
import { type Config } from '../config/load.ts'
import { type Mirror } from '../mirror/mirror.ts'
import { refreshMirror } from '../mirror/refresh.ts'
import { type SyncDeps } from '../mirror/sync.ts'
import { Closers } from '../ops/close.ts'
import { MirrorMetrics } from '../ops/mirror-metrics.ts'
import { ArchiveReader } from '../workers/archive-reader.ts'
import { type ConfiguredMirror } from './configured-mirrors.ts'
import { type PublishContext } from './publish.ts'

export interface OpenedMirrors {
  readonly deps: SyncDeps
  /** Closed with the rest. Throws `key-unusable`. */
  readonly open: (configured: ConfiguredMirror) => Promise<Mirror>
}

/** Opens what a sync needs, also while a server runs. What goes wrong is in its report: nothing is logged besides. */
export async function withMirrors<T>(
  { now, version }: PublishContext,
  config: Config,
  use: (opened: OpenedMirrors) => Promise<T>,
): Promise<T> {
  const settingsOf = await readRepositorySettings(config)
  const closers = new Closers()
  try {
    const { catalog, blobs } = await openStores(config.storage, closers)
    await openRepositories(catalog, config, now())
    const archives = closers.add(new ArchiveReader())
    const log = pino({ level: 'silent' })
    const metrics = { mirrors: new MirrorMetrics(new Registry()) }
    const common = { catalog, blobs, settingsOf, archives, metrics, log, now }
    const deps: SyncDeps = {
      catalog,
      now,
      fetcher: openFetcher(common),
      refresh: (mirror, signal) => refreshMirror(refreshDeps(common), mirror, { signal }),
    }
    const open = async ({ repository, config: settings }: ConfiguredMirror): Promise<Mirror> => {
      const mirror = await openMirror(repository, settings, { userAgent: `chartroom/${version}`, now })
      closers.add({
        close: () => {
          mirror.close()
          return Promise.resolve()
        },
      })
      return mirror
    }
    return await use({ deps, open })
  } finally {
    await closers.close()
  }
}
