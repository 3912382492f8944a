import { isIP } from 'node:net'
import { quoted } from '../text.ts'
import { privateAddress } from './guarded-lookup.ts'
import { addressRule } from './private-addresses.ts'
import { ownOrigin, type Upstream } from './upstream.ts'
import { upstreamInvalid } from './upstream-error.ts'

type Rules = Pick<Upstream, 'url' | 'isInsecure' | 'hosts' | 'privateAddresses'>

const PORTS: Readonly<Record<string, string>> = { 'https:': '443', 'http:': '80' }

/**
 * Throws `upstream-invalid` unless the URL is on the upstream's own origin, or over HTTPS on a listed host; an address
 * instead of a name must be one that may be connected to, as no look-up will ask.
 */
export function hostRule(upstream: Rules): (url: URL) => void {
  const own = ownOrigin(upstream)
  const isAllowedAddress = addressRule(upstream.privateAddresses)
  return (url) => {
    const { protocol, origin, hostname, host } = url
    if (protocol !== 'https:' && origin !== own)
      throw upstreamInvalid(`${quoted(host)} is not asked over HTTPS but over ${quoted(protocol)}`)
    if (url.username !== '' || url.password !== '')
      throw upstreamInvalid(`the URL on ${quoted(host)} has a user or a password in it`)
    if (origin !== own && !isListed(url, upstream.hosts))
      throw upstreamInvalid(`${quoted(host)} is another host, which hosts does not list`)
    const literal = hostname.replace(/^\[(.*)\]$/, '$1')
    if (isIP(literal) !== 0 && !isAllowedAddress(literal)) throw privateAddress(literal)
  }
}

function isListed({ protocol, hostname, port }: URL, hosts: readonly string[]): boolean {
  return hosts.includes(hostname) || hosts.includes(`${hostname}:${port || (PORTS[protocol] ?? '')}`)
}
