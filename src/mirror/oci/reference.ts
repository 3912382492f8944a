import { upstreamInvalid } from '../upstream-error.ts'
import { quoted } from '../../text.ts'

/** A place in a registry (OCI distribution specification 1.1). */
export interface OciRepository {
  /** `https:` or, for an upstream that may be asked so, `http:`. */
  readonly origin: string
  /** `charts/nginx` */
  readonly path: string
}

export interface OciReference extends OciRepository {
  /** A tag, or `sha256:…`. */
  readonly reference: string
}

/** The specification's grammars of names, tags and digests. */
const SEGMENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*'
const PATH = new RegExp(`^${SEGMENT}(?:/${SEGMENT})*$`)
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const DIGEST = /^sha256:[0-9a-f]{64}$/

/** `oci://host/path`, as an upstream is configured. Throws `upstream-invalid`. */
export function ociRepository(url: URL, insecureOrigin?: string): OciRepository {
  const path = url.pathname.replace(/^\/+|\/+$/g, '')
  if (url.protocol !== 'oci:' || url.host === '' || !PATH.test(path)) throw notOci(url.href)
  const plain = `http://${url.host}`
  const isPlain = insecureOrigin !== undefined && new URL(plain).origin === insecureOrigin
  return { origin: new URL(isPlain ? plain : `https://${url.host}`).origin, path }
}

/** `oci://host/path:tag` or `oci://host/path@sha256:…`, as an index names it. Throws `upstream-invalid`. */
export function ociReference(text: string, insecureOrigin?: string): OciReference {
  const [, base = '', tag, digest] = /^(oci:\/\/[^/]+\/[^:@]+)(?::([^@]+))?(?:@(.+))?$/.exec(text) ?? []
  const reference = digest ?? tag ?? ''
  if (!URL.canParse(base) || !(digest === undefined ? TAG : DIGEST).test(reference)) throw notOci(text)
  return { ...ociRepository(new URL(base), insecureOrigin), reference }
}

/** Tags have no `+`: Helm writes it as `_`, which no version has. */
export function versionOfTag(tag: string): string {
  return tag.replaceAll('_', '+')
}

function notOci(text: string): Error {
  return upstreamInvalid(`${quoted(text)} names no chart in a registry`)
}
