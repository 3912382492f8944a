import { type ClientTls } from '../publishing/client-tls.ts'

/** Another repository that charts come from, with its secrets read. */
export interface Upstream {
  readonly name: string
  /** `https:`, `http:` or `oci:`; without a slash at its end. */
  readonly url: URL
  /** Whether the upstream itself may be asked over plain HTTP. */
  readonly isInsecure: boolean
  /** For the upstream itself: whom to trust, and the certificate to show. */
  readonly tls: ClientTls
  /** For the other hosts: whom to trust. */
  readonly foreignTls: Pick<ClientTls, 'ca'>
  readonly credentials?: Credentials
  /** The other hosts that may be asked, as `host` or `host:port`, in lower case. */
  readonly hosts: readonly string[]
  /** The private networks that may be connected to. */
  readonly privateAddresses: readonly Network[]
  /** With its user and password. */
  readonly proxy?: URL
  /** For one file, to its end. */
  readonly timeoutMs: number
  /** Until the connection stands. */
  readonly connectTimeoutMs: number
}

export type Credentials =
  | { readonly kind: 'basic'; readonly user: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string }

export interface Network {
  readonly address: string
  readonly prefix: number
}

/** The origin that gets the credentials and the client certificate, and no other. */
export function ownOrigin({ url, isInsecure }: Pick<Upstream, 'url' | 'isInsecure'>): string {
  if (url.protocol !== 'oci:') return url.origin
  return new URL(`${isInsecure ? 'http' : 'https'}://${url.host}`).origin
}

export function authorizationOf(credentials: Credentials | undefined): string | undefined {
  if (credentials === undefined) return undefined
  if (credentials.kind === 'bearer') return `Bearer ${credentials.token}`
  return `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString('base64')}`
}
