import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { guardedLookup } from './guarded-lookup.ts'
import { addressRule } from './private-addresses.ts'
import { ownOrigin, type Upstream } from './upstream.ts'

export interface Agents {
  /** For this place: only the upstream's own origin is shown the client certificate. */
  readonly forUrl: (url: URL) => HttpAgent | HttpsAgent
  readonly close: () => void
}

/** Connections are kept for the next file. A proxy resolves the names of those behind it, and is itself not judged. */
export function createAgents(upstream: Upstream): Agents {
  const { tls, foreignTls, proxy, privateAddresses } = upstream
  const route =
    proxy === undefined
      ? { lookup: guardedLookup(addressRule(privateAddresses)) }
      : { proxyEnv: { HTTP_PROXY: proxy.href, HTTPS_PROXY: proxy.href } }
  const common = { keepAlive: true, maxCachedSessions: 0, ...route }
  const own = ownOrigin(upstream)
  const secure = new HttpsAgent({ ...common, ...tls, ca: [...tls.ca] })
  const foreign = new HttpsAgent({ ...common, ca: [...foreignTls.ca] })
  const plain = new HttpAgent(common)
  return {
    forUrl: (url) => {
      if (url.protocol === 'http:') return plain
      return url.origin === own ? secure : foreign
    },
    close: () => {
      for (const agent of [secure, foreign, plain]) agent.destroy()
    },
  }
}
