import { type RepositoryName } from '../chart/repository-name.ts'

/** A mirror, as far as it matters which charts it is a mirror of. */
export interface Provider {
  readonly repository: RepositoryName
  readonly upstreams: readonly {
    readonly url: string
    /** Of a registry. */
    readonly charts?: readonly string[] | undefined
  }[]
}

/** Whether one of its upstreams is the repository that a dependency names, whatever it has of it. */
export function provides(
  { upstreams }: Provider,
  { url, name }: { readonly url: string; readonly name: string },
): boolean {
  const wanted = comparable(url)
  if (wanted === undefined) return false
  return upstreams.some((upstream) => {
    const own = comparable(upstream.url)
    if (!upstream.url.startsWith('oci://')) return own === wanted
    return upstream.charts === undefined
      ? own === `${wanted}/${name}`
      : own === wanted && upstream.charts.includes(name)
  })
}

/** Without what makes no other repository of it: HTTP for HTTPS, a password, a `/` at the end. */
function comparable(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, host, pathname } = new URL(url)
  const scheme = protocol === 'http:' ? 'https:' : protocol
  return `${scheme}//${host.toLowerCase()}${pathname.replace(/\/+$/, '')}`
}
