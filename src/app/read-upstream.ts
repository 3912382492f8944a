import { present } from '../chart/present.ts'
import { type UpstreamConfig } from '../config/mirror.ts'
import { type Credentials, type Upstream } from '../mirror/upstream.ts'
import { readClientTls } from '../publishing/client-tls.ts'
import { readSecret } from './read-secret.ts'
import { readKeyring } from './signing-keys.ts'

/** An upstream as it is configured, with its secrets and certificates read. Throws `key-unusable`, naming the file. */
export async function readUpstream(config: UpstreamConfig, now: Date): Promise<Upstream> {
  const {
    name,
    insecure,
    ca,
    clientCertificate,
    clientKey,
    hosts,
    privateAddresses,
    timeout,
    connectTimeout,
  } = config
  const tls = await readClientTls(
    present({ caFile: ca, certFile: clientCertificate, keyFile: clientKey }),
    now,
  )
  // It is read again for each check, and a mirror that could check nothing is refused here.
  if (config.keyring !== undefined) await readKeyring(config.keyring, 'required')
  const everybody = await readClientTls({}, now)
  const credentials = await readCredentials(config)
  const proxy = await readProxy(config.proxy)
  return {
    name,
    url: new URL(config.url),
    isInsecure: insecure,
    tls,
    // Another host may be the company's as well as the public's.
    foreignTls: { ca: ca === undefined ? everybody.ca : [...everybody.ca, ...tls.ca] },
    hosts,
    privateAddresses,
    timeoutMs: timeout,
    connectTimeoutMs: connectTimeout,
    ...(credentials && { credentials }),
    ...(proxy && { proxy }),
  }
}

async function readCredentials(config: UpstreamConfig): Promise<Credentials | undefined> {
  const { username: user, password, passwordFile, token, tokenFile } = config
  const bearer = await readSecret(token, tokenFile)
  if (bearer !== undefined) return { kind: 'bearer', token: bearer }
  if (user === undefined) return undefined
  return { kind: 'basic', user, password: (await readSecret(password, passwordFile)) ?? '' }
}

async function readProxy(proxy: UpstreamConfig['proxy']): Promise<URL | undefined> {
  if (proxy === undefined) return undefined
  const url = new URL(proxy.url)
  url.username = encodeURIComponent(proxy.username ?? '')
  url.password = encodeURIComponent((await readSecret(proxy.password, proxy.passwordFile)) ?? '')
  return url
}
