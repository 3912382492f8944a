import { type Logger } from 'pino'
import { type Catalog } from '../catalog/catalog.ts'
import { keepReleasing } from '../mirror/release-aged.ts'
import { KeepFresh } from '../mirror/keep-fresh.ts'
import { refreshMirror, type RefreshDeps } from '../mirror/refresh.ts'
import { type Closers } from '../ops/close.ts'
import { type Metrics } from '../ops/metrics.ts'
import { operatorAuthorisation } from '../policy/policy.ts'
import { type EnsureFresh } from '../repository/freshness.ts'
import { type SettingsOf } from '../repository/settings.ts'
import { withdraw } from '../repository/withdraw.ts'
import { type Mirrors } from './mirrors.ts'

export interface RefreshingDeps {
  readonly catalog: Catalog
  readonly settingsOf: SettingsOf
  readonly metrics: Pick<Metrics, 'mirrors'>
  readonly log: Logger
  readonly now: () => Date
}

/** What a refresh needs, for the server and the command line alike. */
export function refreshDeps({ catalog, settingsOf, ...deps }: RefreshingDeps): RefreshDeps {
  return {
    ...deps,
    catalog,
    withdraw: (id, by) =>
      withdraw({ catalog, settingsOf }, operatorAuthorisation('delete', id.repository), id, by),
  }
}

/** Keeps the mirrors' indexes fresh while the server runs, and lets out what was in quarantine. */
export function keepMirrorsFresh(deps: RefreshingDeps, mirrors: Mirrors, closers: Closers): EnsureFresh {
  const { catalog, log, now } = deps
  const { offers } = catalog
  const fresh = closers.add(
    new KeepFresh({
      offers,
      findMirror: (repository) => mirrors.find(repository),
      refresh: (mirror, signal) => refreshMirror(refreshDeps(deps), mirror, { extent: 'stale', signal }),
      log,
      now,
    }),
  )
  const stop = new AbortController()
  const releasing = keepReleasing({ offers, mirrors: () => mirrors.all(), log, now }, stop.signal)
  closers.add({
    close: async () => {
      stop.abort()
      await releasing
    },
  })
  return (repository) => fresh.ensureFresh(repository)
}
