import { BlockList, isIP } from 'node:net'
import { type Network } from './upstream.ts'

/**
 * Everything that is not the public internet, from IANA's special-purpose address registries (RFC 6890): among it the
 * clouds' metadata services. An IPv4 address in IPv6 clothes is that IPv4 address for `BlockList`; the prefixes that
 * translate or tunnel to one (64:ff9b::/96, 2002::/16, 2001::/32) are refused whole.
 */
const SPECIAL_PURPOSE: readonly string[] = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
  '5f00::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
]

const PRIVATE = blockListOf(
  SPECIAL_PURPOSE.map((text) => {
    const [address = '', prefix] = text.split('/')
    return { address, prefix: Number(prefix) }
  }),
)

/** Whether an address may be connected to: a public one, or one of the listed networks. */
export function addressRule(listed: readonly Network[]): (address: string) => boolean {
  const allowed = blockListOf(listed)
  return (address) => {
    const family = isIP(address)
    // A zone is for link-local addresses only; without it they can be looked at.
    const bare = address.replace(/%.*$/, '')
    if (family === 0) return false
    const kind = family === 4 ? 'ipv4' : 'ipv6'
    return allowed.check(bare, kind) || !PRIVATE.check(bare, kind)
  }
}

function blockListOf(networks: readonly Network[]): BlockList {
  const list = new BlockList()
  for (const { address, prefix } of networks) {
    list.addSubnet(address, prefix, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}
