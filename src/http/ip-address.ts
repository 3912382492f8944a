import { isIPv4, SocketAddress } from 'node:net'

/**
 * One text for each IP address (RFC 5952), so that equal ones compare as equal. An IPv4 address that a dual-stack
 * socket shows as IPv6 (`::ffff:10.0.0.1`) is that IPv4 address.
 */
export function canonicalAddress(address: string): string {
  if (isIPv4(address)) return address
  const text = new SocketAddress({ address, family: 'ipv6' }).address
  const mapped = text.replace(/^::ffff:/, '')
  return isIPv4(mapped) ? mapped : text
}
