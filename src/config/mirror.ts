import { type ConfigFile } from './schema.ts'

type MirrorSection = NonNullable<ConfigFile['repositories'][number]['mirror']>
type UpstreamSection = MirrorSection['upstreams'][number]

/** One of a mirror's upstreams; paths are absolute. */
export interface UpstreamConfig extends UpstreamSection {
  readonly maxArchiveBytes: number
}

export interface MirrorConfig extends Omit<MirrorSection, 'upstreams'> {
  readonly upstreams: readonly UpstreamConfig[]
}

/** Fills in what depends on other settings. */
export function completeMirror(
  { upstreams, ...mirror }: MirrorSection,
  at: (path: string) => string,
  maxArchiveBytes: number,
): MirrorConfig {
  return {
    ...mirror,
    upstreams: upstreams.map((upstream) => ({
      ...upstream,
      ...absolute(
        upstream,
        ['passwordFile', 'tokenFile', 'clientCertificate', 'clientKey', 'ca', 'keyring'],
        at,
      ),
      ...(upstream.proxy && {
        proxy: { ...upstream.proxy, ...absolute(upstream.proxy, ['passwordFile'], at) },
      }),
      maxArchiveBytes: upstream.maxArchiveBytes ?? maxArchiveBytes,
    })),
  }
}

function absolute<K extends string>(
  paths: Readonly<Partial<Record<K, string | undefined>>>,
  names: readonly K[],
  at: (path: string) => string,
): Partial<Record<K, string>> {
  const given = names.flatMap((name) => {
    const path = paths[name]
    return path === undefined ? [] : [[name, at(path)] as const]
  })
  return Object.fromEntries(given) as Partial<Record<K, string>>
}
