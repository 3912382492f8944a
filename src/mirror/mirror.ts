import { type RepositoryName } from '../chart/repository-name.ts'
import { type Filters } from './filters.ts'
import { type Registry } from './oci/registry.ts'
import { type Upstream } from './upstream.ts'
import { type UpstreamClient } from './upstream-client.ts'
import { type UpstreamPackages } from './upstream-packages.ts'

/** A repository that has its charts from elsewhere, ready to ask for them. */
export interface Mirror {
  readonly repository: RepositoryName
  readonly settings: MirrorSettings
  /** In order: of those that have a chart's name, the first one has all its versions. */
  readonly upstreams: readonly MirrorUpstream[]
  /** With the settings that it has: what failed before may have been their fault. */
  readonly openedAt: Date
  readonly close: () => void
}

/** As configured; times in milliseconds. */
export interface MirrorSettings {
  readonly mode: 'pull-through' | 'sync' | 'both'
  readonly schedule?: string | undefined
  readonly jitter: number
  readonly ttl: number
  readonly missingTtl: number
  readonly offline: boolean
  readonly onUpstreamDelete: 'keep' | 'withdraw'
  readonly quarantine?: number | undefined
  readonly approve: boolean
  readonly concurrency: number
}

export interface MirrorUpstream {
  readonly name: string
  readonly settings: MirrorUpstreamSettings
  readonly upstream: Upstream
  readonly client: UpstreamClient
  readonly registry: Registry
  readonly packages: UpstreamPackages
}

/** As configured; also its filters. */
export interface MirrorUpstreamSettings extends Filters {
  /** Below an `oci:` URL. */
  readonly charts?: readonly string[] | undefined
  readonly maxIndexBytes: number
  readonly maxArchiveBytes: number
  readonly verify: 'off' | 'when-present' | 'required'
  /** A path. */
  readonly keyring?: string | undefined
  readonly reading: 'strict' | 'lenient'
}

/** Whether what is not stored is in the index, as it is fetched when somebody asks for it. */
export function listsOffers({ mode }: Pick<MirrorSettings, 'mode'>): boolean {
  return mode !== 'sync'
}
