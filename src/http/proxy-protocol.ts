import { isIPv4, isIPv6 } from 'node:net'
import { canonicalAddress } from './ip-address.ts'

/**
 * The PROXY protocol, versions 1 and 2: what a proxy that passes TLS on says first on a connection, so that its
 * receiver knows where the connection comes from. The document is https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt;
 * section numbers below are its. Nothing in a header is proof of anything: it is worth as much as who sent it.
 */
export interface ProxyHeader {
  /** The client's IP address; `undefined` when the proxy speaks for itself, or does not know. */
  readonly source: string | undefined
  /** Of the header, in bytes: what follows is not its. */
  readonly length: number
}

/** Why what a connection began with is no header. */
type ProxyHeaderFault = 'missing' | 'malformed' | 'too-long'

export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError'
  readonly fault: ProxyHeaderFault

  constructor(fault: ProxyHeaderFault, message: string) {
    super(message)
    this.fault = fault
  }
}

/** Section 2.1: the longest line of version 1, CRLF included. */
const LONGEST_V1 = 107
/** Ours: addresses take 52 bytes and the usual extensions some hundred; the format would allow 65,551. */
const LONGEST_V2 = 4096

const SIGNATURE_V1 = Buffer.from('PROXY ')
const SIGNATURE_V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n')

/**
 * The header that these first bytes of a connection begin with; `incomplete` when they may yet become one. Throws
 * `ProxyHeaderError` as soon as they cannot.
 */
export function parseProxyHeader(bytes: Buffer): ProxyHeader | 'incomplete' {
  if (beginsLike(bytes, SIGNATURE_V1))
    return bytes.length < SIGNATURE_V1.length ? 'incomplete' : parseV1(bytes)
  if (beginsLike(bytes, SIGNATURE_V2)) return bytes.length < PREFIX_V2 ? 'incomplete' : parseV2(bytes)
  throw new ProxyHeaderError('missing', 'the connection does not begin with a PROXY header')
}

function beginsLike(bytes: Buffer, signature: Buffer): boolean {
  const known = Math.min(bytes.length, signature.length)
  return bytes.subarray(0, known).equals(signature.subarray(0, known))
}

/** Section 2.1: `PROXY TCP4 192.0.2.1 192.0.2.9 56324 443\r\n`. */
function parseV1(bytes: Buffer): ProxyHeader | 'incomplete' {
  const end = bytes.subarray(0, LONGEST_V1).indexOf('\r\n')
  if (end >= 0) return { source: sourceOfLine(bytes.toString('latin1', 0, end)), length: end + 2 }
  if (bytes.length < LONGEST_V1) return 'incomplete'
  throw new ProxyHeaderError('too-long', `the PROXY header does not end within ${LONGEST_V1} bytes`)
}

function sourceOfLine(line: string): string | undefined {
  // "The receiver must ignore anything presented before the CRLF is found."
  if (/^PROXY UNKNOWN(?: |$)/.test(line)) return undefined
  const [, protocol, source, destination, ...ports] = line.split(' ')
  const isAddress = protocol === 'TCP4' ? isIPv4 : protocol === 'TCP6' ? isUnscopedIPv6 : undefined
  if (isAddress === undefined) throw malformed('neither TCP4, TCP6 nor UNKNOWN')
  if (source === undefined || destination === undefined) throw malformed('an address is missing')
  if (!isAddress(source) || !isAddress(destination)) throw malformed('not an address of its family')
  if (ports.length !== 2 || !ports.every(isPort)) throw malformed('not a pair of ports')
  return canonicalAddress(source)
}

/** A zone, as in `fe80::1%eth0`, means something on the proxy's machine only. */
function isUnscopedIPv6(text: string): boolean {
  return isIPv6(text) && !text.includes('%')
}

/** "Heading zeroes are not permitted in order to avoid any possible confusion with octal numbers." */
function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
}

/** Section 2.2: the signature, version and command, family and transport, length of the rest. */
const PREFIX_V2 = 16

const LOCAL = 0x0
const PROXY = 0x1
const UNSPECIFIED = 0x00

interface Family {
  /** Of both addresses and ports. */
  readonly bytes: number
  readonly render: (addresses: Buffer) => string | undefined
}

/** "Other values […] must be rejected as invalid." */
const FAMILIES: Readonly<Record<number, Family>> = {
  0x11: { bytes: 12, render: renderIPv4 },
  0x21: { bytes: 36, render: renderIPv6 },
  // Datagrams and Unix sockets: a receiver "falls back to the UNSPEC mode for the valid combinations […] that it does
  // not support".
  0x12: { bytes: 12, render: () => undefined },
  0x22: { bytes: 36, render: () => undefined },
  0x31: { bytes: 216, render: () => undefined },
  0x32: { bytes: 216, render: () => undefined },
}

function parseV2(bytes: Buffer): ProxyHeader | 'incomplete' {
  const command = bytes.readUInt8(12)
  const familyCode = bytes.readUInt8(13)
  const length = PREFIX_V2 + bytes.readUInt16BE(14)
  if (command >> 4 !== 2) throw malformed('not version 2')
  if (length > LONGEST_V2)
    throw new ProxyHeaderError('too-long', `the PROXY header is longer than ${LONGEST_V2} bytes`)
  if (bytes.length < length) return 'incomplete'
  return { source: sourceOfBlock(command & 0xf, familyCode, bytes.subarray(PREFIX_V2, length)), length }
}

function sourceOfBlock(command: number, familyCode: number, block: Buffer): string | undefined {
  // The receiver must "discard the protocol block including the family which is ignored".
  if (command === LOCAL) return undefined
  if (command !== PROXY) throw malformed('neither LOCAL nor PROXY')
  if (familyCode === UNSPECIFIED) return undefined
  const family = FAMILIES[familyCode]
  if (family === undefined) throw malformed('an unknown address family')
  if (block.length < family.bytes) throw malformed('shorter than its addresses')
  requireWholeExtensions(block.subarray(family.bytes))
  return family.render(block)
}

function renderIPv4(addresses: Buffer): string {
  return addresses.subarray(0, 4).join('.')
}

function renderIPv6(addresses: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, place) => addresses.readUInt16BE(2 * place).toString(16))
  return canonicalAddress(groups.join(':'))
}

/** Each has a type (1 byte), a length (2 bytes) and a value. None of them matters here. */
function requireWholeExtensions(extensions: Buffer): void {
  let rest = extensions
  while (rest.length > 0) {
    const size = rest.length < 3 ? Infinity : 3 + rest.readUInt16BE(1)
    if (size > rest.length) throw malformed('an extension goes on past the end')
    rest = rest.subarray(size)
  }
}

function malformed(why: string): ProxyHeaderError {
  return new ProxyHeaderError('malformed', `the PROXY header is malformed: ${why}`)
}
