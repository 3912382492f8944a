import { type RepositoryName } from '../chart/repository-name.ts'
import { type MirrorConfig, type UpstreamConfig } from '../config/mirror.ts'
import { createBandwidth } from '../mirror/bandwidth.ts'
import { type Mirror, type MirrorUpstream } from '../mirror/mirror.ts'
import { createRegistry } from '../mirror/oci/registry.ts'
import { type Upstream } from '../mirror/upstream.ts'
import { createUpstreamClient, type UpstreamClientDeps } from '../mirror/upstream-client.ts'
import { createUpstreamPackages } from '../mirror/upstream-packages.ts'
import { readUpstream } from './read-upstream.ts'

export interface OpenMirrorDeps {
  readonly userAgent: string
  readonly now: () => Date
}

/** Reads the secrets and certificates of a mirror's upstreams; nobody is asked yet. Throws `key-unusable`. */
export async function openMirror(
  repository: RepositoryName,
  config: MirrorConfig,
  deps: OpenMirrorDeps,
): Promise<Mirror> {
  const read = await readUpstreams(config, deps.now())
  return assembleMirror(repository, config, read, deps)
}

/** In the order of the configuration. */
export async function readUpstreams(config: MirrorConfig, now: Date): Promise<readonly Upstream[]> {
  return Promise.all(config.upstreams.map((upstream) => readUpstream(upstream, now)))
}

export function assembleMirror(
  repository: RepositoryName,
  config: MirrorConfig,
  read: readonly Upstream[],
  { userAgent, now }: OpenMirrorDeps,
): Mirror {
  const bandwidth = config.bandwidth === undefined ? undefined : createBandwidth(config.bandwidth)
  const upstreams = read.flatMap((upstream, place) => {
    const settings = config.upstreams[place]
    return settings === undefined ? [] : [openUpstream(settings, upstream, { userAgent, now, bandwidth })]
  })
  return {
    repository,
    settings: config,
    upstreams,
    openedAt: now(),
    close: () => {
      for (const { client } of upstreams) client.close()
    },
  }
}

function openUpstream(
  settings: UpstreamConfig,
  upstream: Upstream,
  deps: UpstreamClientDeps,
): MirrorUpstream {
  const client = createUpstreamClient(upstream, deps)
  const registry = createRegistry(upstream, { transport: client.transport, now: deps.now })
  const packages = createUpstreamPackages(upstream, { client, registry })
  return { name: settings.name, settings, upstream, client, registry, packages }
}
