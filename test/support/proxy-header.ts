import { isIPv4 } from 'node:net'

/** What proxies send: headers of the PROXY protocol, made independently of the product's reading of them. */

export const SIGNATURE_V2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex')

export function headerV1(source: string, destination = isIPv4(source) ? '192.0.2.9' : '2001:db8::9'): Buffer {
  return Buffer.from(`PROXY TCP${isIPv4(source) ? 4 : 6} ${source} ${destination} 56324 8443\r\n`)
}

export interface HeaderV2 {
  /** Version 2 and PROXY unless given. */
  readonly command?: number
  /** TCP over IPv4 unless given. */
  readonly family?: number
  /** All that follows the first 16 bytes. */
  readonly block?: Buffer
  /** Of the block, where that is to be a lie. */
  readonly length?: number
}

export function headerV2({ command = 0x21, family = 0x11, block, length }: HeaderV2 = {}): Buffer {
  const body = block ?? addressesV2('192.0.2.1', '192.0.2.9')
  const prefix = Buffer.from([command, family, 0, 0])
  prefix.writeUInt16BE(length ?? body.length, 2)
  return Buffer.concat([SIGNATURE_V2, prefix, body])
}

/** Both addresses and ports, for a block. */
export function addressesV2(source: string, destination: string): Buffer {
  return Buffer.concat([bytesOf(source), bytesOf(destination), Buffer.from([0xdc, 0x04, 0x20, 0xfb])])
}

/** An extension, for the end of a block. */
export function extensionV2(type: number, value: Buffer): Buffer {
  const prefix = Buffer.from([type, 0, 0])
  prefix.writeUInt16BE(value.length, 1)
  return Buffer.concat([prefix, value])
}

/** An IPv4 address, or an IPv6 address with at most one `::`. */
function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter(Boolean))
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0')
  const groups = [...left, ...zeros, ...right].map((group) => group.padStart(4, '0'))
  return Buffer.from(groups.join(''), 'hex')
}
