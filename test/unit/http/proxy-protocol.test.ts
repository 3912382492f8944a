import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parseProxyHeader, ProxyHeaderError } from '../../../src/http/proxy-protocol.ts'
import { addressesV2, extensionV2, headerV1, headerV2, SIGNATURE_V2 } from '../../support/proxy-header.ts'

const IPV4 = addressesV2('192.0.2.1', '192.0.2.9')
const IPV6 = addressesV2('2001:db8::1', '2001:db8::9')
const CLIENT_HELLO = Buffer.from('1603010200010001fc0303', 'hex')

const good: readonly (readonly [title: string, header: Buffer, source: string | undefined])[] = [
  ['v1 over IPv4', headerV1('203.0.113.7'), '203.0.113.7'],
  ['v1 over IPv6', headerV1('2001:db8::7'), '2001:db8::7'],
  ['v1 over IPv6 as it is usually not written', headerV1('2001:0DB8:0:0:0:0:0:7'), '2001:db8::7'],
  [
    'v1 over IPv6 at full length',
    line(`TCP6 ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535`),
    'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff',
  ],
  ['v1 over IPv4 mapped to IPv6', headerV1('::ffff:203.0.113.7'), '203.0.113.7'],
  ['v1 over IPv4 mapped to IPv6 in hexadecimal', headerV1('::ffff:cb00:7107'), '203.0.113.7'],
  ['v1 with the lowest and the highest port', line('TCP4 203.0.113.7 192.0.2.9 0 65535'), '203.0.113.7'],
  ['v1 of an unknown client', line('UNKNOWN'), undefined],
  ['v1 of an unknown client with addresses to ignore', line('UNKNOWN 203.0.113.7 x y'), undefined],
  ['v1 at its longest', line(`UNKNOWN ${'f'.repeat(91)}`), undefined],
  ['v2 over IPv4', headerV2({ block: addressesV2('203.0.113.7', '192.0.2.9') }), '203.0.113.7'],
  ['v2 over IPv6', headerV2({ family: 0x21, block: addressesV2('2001:db8::7', '::1') }), '2001:db8::7'],
  [
    'v2 over IPv4 mapped to IPv6',
    headerV2({ family: 0x21, block: addressesV2('::ffff:cb00:7107', '::1') }),
    '203.0.113.7',
  ],
  [
    'v2 with extensions',
    headerV2({
      block: Buffer.concat([
        IPV4,
        extensionV2(0x02, Buffer.from('charts.example.com')),
        extensionV2(0x04, Buffer.alloc(0)),
      ]),
    }),
    '192.0.2.1',
  ],
  [
    'v2 at its longest',
    headerV2({ block: Buffer.concat([IPV4, extensionV2(0x04, Buffer.alloc(4096 - 16 - 12 - 3))]) }),
    '192.0.2.1',
  ],
  ['v2 of the proxy itself', headerV2({ command: 0x20, family: 0x00, block: Buffer.alloc(0) }), undefined],
  [
    'v2 of the proxy itself, with a block to ignore',
    headerV2({ command: 0x20, family: 0xff, block: Buffer.alloc(5, 1) }),
    undefined,
  ],
  [
    'v2 of an unspecified family, with a block to ignore',
    headerV2({ family: 0x00, block: Buffer.alloc(5, 1) }),
    undefined,
  ],
  ['v2 over UDP, IPv4', headerV2({ family: 0x12 }), undefined],
  ['v2 over UDP, IPv6', headerV2({ family: 0x22, block: IPV6 }), undefined],
  ['v2 over a Unix socket', headerV2({ family: 0x31, block: Buffer.alloc(216, 0x2f) }), undefined],
  ['v2 over a Unix datagram socket', headerV2({ family: 0x32, block: Buffer.alloc(216, 0x2f) }), undefined],
]

const bad: readonly (readonly [title: string, bytes: Buffer, fault: string, message: RegExp])[] = [
  ['TLS', CLIENT_HELLO, 'missing', /does not begin with a PROXY header/],
  ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'missing', /does not begin/],
  ['another word', Buffer.from('PROXIED '), 'missing', /does not begin/],
  ['v1 in lower case', Buffer.from('proxy TCP4'), 'missing', /does not begin/],
  ['an empty line before v1', Buffer.from('\r\nPROXY'), 'missing', /does not begin/],
  ['v1 with a tab', Buffer.from('PROXY\tTCP4'), 'missing', /does not begin/],
  ['v1 of no family', line('TCP5 1.1.1.1 2.2.2.2 1 2'), 'malformed', /neither TCP4, TCP6 nor UNKNOWN/],
  ['v1 of a family in lower case', line('tcp4 1.1.1.1 2.2.2.2 1 2'), 'malformed', /neither TCP4/],
  ['v1 of a longer word than UNKNOWN', line('UNKNOWNS'), 'malformed', /neither TCP4/],
  ['v1 of nothing', line(''), 'malformed', /neither TCP4/],
  ['v1 with two spaces', line('TCP4  1.1.1.1 2.2.2.2 1 2'), 'malformed', /not an address of its family/],
  ['v1 without addresses', line('TCP4'), 'malformed', /an address is missing/],
  ['v1 with one address', line('TCP4 1.1.1.1'), 'malformed', /an address is missing/],
  ['v1 over IPv4 with an IPv6 source', line('TCP4 ::1 2.2.2.2 1 2'), 'malformed', /not an address/],
  ['v1 over IPv6 with an IPv4 source', line('TCP6 1.1.1.1 ::1 1 2'), 'malformed', /not an address/],
  ['v1 with an IPv6 destination of IPv4', line('TCP4 1.1.1.1 ::1 1 2'), 'malformed', /not an address/],
  ['v1 with a part above 255', line('TCP4 1.1.1.256 2.2.2.2 1 2'), 'malformed', /not an address/],
  ['v1 with a leading zero in an address', line('TCP4 1.1.1.01 2.2.2.2 1 2'), 'malformed', /not an address/],
  ['v1 with a zone', line('TCP6 fe80::1%eth0 ::1 1 2'), 'malformed', /not an address/],
  ['v1 with a name', line('TCP4 localhost 2.2.2.2 1 2'), 'malformed', /not an address/],
  ['v1 without ports', line('TCP4 1.1.1.1 2.2.2.2'), 'malformed', /not a pair of ports/],
  ['v1 with one port', line('TCP4 1.1.1.1 2.2.2.2 1'), 'malformed', /not a pair of ports/],
  ['v1 with three ports', line('TCP4 1.1.1.1 2.2.2.2 1 2 3'), 'malformed', /not a pair of ports/],
  ['v1 with a space at its end', line('TCP4 1.1.1.1 2.2.2.2 1 2 '), 'malformed', /not a pair of ports/],
  ['v1 with a port above 65535', line('TCP4 1.1.1.1 2.2.2.2 1 65536'), 'malformed', /not a pair of ports/],
  ['v1 with a leading zero in a port', line('TCP4 1.1.1.1 2.2.2.2 01 2'), 'malformed', /not a pair of ports/],
  ['v1 with a sign', line('TCP4 1.1.1.1 2.2.2.2 +1 2'), 'malformed', /not a pair of ports/],
  ['v1 with a line break too early', line('TCP4 1.1.1.1 2.2.2.2 1\n2'), 'malformed', /not a pair of ports/],
  [
    'v1 with a byte that is not ASCII',
    line('TCP4 1.1.1.1 2.2.2.2 1 2\xa0'),
    'malformed',
    /not a pair of ports/,
  ],
  ['v1 one byte too long', line(`UNKNOWN ${'f'.repeat(92)}`), 'too-long', /does not end within 107 bytes/],
  ['v1 that ends with LF only', Buffer.from(`PROXY UNKNOWN\n${'x'.repeat(93)}`), 'too-long', /does not end/],
  [
    'v2 with a wrong byte in its signature',
    Buffer.from('0d0a0d0a000d0a515549540b', 'hex'),
    'missing',
    /does not begin/,
  ],
  ['v2 of version 1', headerV2({ command: 0x11 }), 'malformed', /not version 2/],
  ['v2 of version 3', headerV2({ command: 0x31 }), 'malformed', /not version 2/],
  ['v2 with an unknown command', headerV2({ command: 0x22 }), 'malformed', /neither LOCAL nor PROXY/],
  ['v2 of an unknown family', headerV2({ family: 0x41 }), 'malformed', /unknown address family/],
  ['v2 of an unknown transport', headerV2({ family: 0x13 }), 'malformed', /unknown address family/],
  ['v2 of IPv4 without a transport', headerV2({ family: 0x10 }), 'malformed', /unknown address family/],
  [
    'v2 over IPv4, too short',
    headerV2({ block: IPV4.subarray(1) }),
    'malformed',
    /shorter than its addresses/,
  ],
  [
    'v2 over IPv6 with addresses of IPv4',
    headerV2({ family: 0x21, block: IPV4 }),
    'malformed',
    /shorter than/,
  ],
  ['v2 over a Unix socket, too short', headerV2({ family: 0x31, block: IPV6 }), 'malformed', /shorter than/],
  ['v2 without addresses', headerV2({ block: Buffer.alloc(0) }), 'malformed', /shorter than its addresses/],
  [
    'v2 with half an extension',
    headerV2({ block: Buffer.concat([IPV4, Buffer.from([4, 0])]) }),
    'malformed',
    /an extension goes on past the end/,
  ],
  [
    'v2 with an extension that lies about its length',
    headerV2({ block: Buffer.concat([IPV4, Buffer.from([4, 0, 1])]) }),
    'malformed',
    /an extension goes on/,
  ],
  [
    'v2 one byte too long, before its block comes',
    headerV2({ block: Buffer.alloc(0), length: 4081 }),
    'too-long',
    /longer than 4096 bytes/,
  ],
  ['v2 of the greatest length', headerV2({ length: 0xffff }), 'too-long', /longer than 4096 bytes/],
]

describe('parseProxyHeader', () => {
  for (const [title, header, source] of good) {
    it(`reads ${title}, and leaves what follows`, () => {
      const expected = { source, length: header.length }
      assert.deepEqual(parseProxyHeader(header), expected)
      assert.deepEqual(parseProxyHeader(Buffer.concat([header, CLIENT_HELLO])), expected)
      assert.deepEqual(parseProxyHeader(Buffer.concat([header, header])), expected)
    })

    it(`waits for the rest of ${title}`, () => {
      for (let length = 0; length < header.length; length += 1) {
        assert.equal(parseProxyHeader(header.subarray(0, length)), 'incomplete', `after ${length} bytes`)
      }
    })
  }

  for (const [title, bytes, fault, message] of bad) {
    it(`refuses ${title}`, () => {
      assert.throws(() => parseProxyHeader(bytes), { name: 'ProxyHeaderError', fault, message })
    })
  }

  it('refuses at the first byte that no header has', () => {
    assert.throws(() => parseProxyHeader(CLIENT_HELLO.subarray(0, 1)), { fault: 'missing' })
  })

  it('gives an answer or its own error, whatever comes, and is swayed by nothing behind the header', () => {
    const begins = fc.constantFrom(
      Buffer.alloc(0),
      Buffer.from('PROXY '),
      SIGNATURE_V2,
      ...good.map(([, bytes]) => bytes),
    )
    fc.assert(
      fc.property(begins, fc.uint8Array({ maxLength: 300 }), (begin, rest) => {
        const bytes = Buffer.concat([begin, rest])
        const header = outcome(bytes)
        if (typeof header === 'string') return
        assert.ok(header.length <= bytes.length)
        assert.deepEqual(outcome(bytes.subarray(0, header.length)), header)
        assert.equal(outcome(bytes.subarray(0, header.length - 1)), 'incomplete')
      }),
      { numRuns: 2000 },
    )
  })

  it('gives an answer or its own error for a good header with some bytes changed', () => {
    const changes = fc.array(fc.tuple(fc.nat({ max: 60 }), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    })
    fc.assert(
      fc.property(fc.constantFrom(...good.map(([, bytes]) => bytes)), changes, (header, bytes) => {
        const changed = Buffer.from(header)
        for (const [place, value] of bytes) if (place < changed.length) changed[place] = value
        outcome(changed)
      }),
      { numRuns: 2000 },
    )
  })

  it('reads every address that a proxy can tell, in both versions alike', () => {
    fc.assert(
      fc.property(fc.ipV4(), (address) => {
        assert.equal(sourceOf(headerV1(address)), address)
        assert.equal(sourceOf(headerV2({ block: addressesV2(address, '192.0.2.9') })), address)
      }),
    )
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 8, maxLength: 8 }), (groups) => {
        const address = groups.map((group) => group.toString(16)).join(':')
        const block = addressesV2(address, '::1')
        assert.equal(sourceOf(headerV2({ family: 0x21, block })), sourceOf(headerV1(address)))
      }),
    )
  })
})

function line(text: string): Buffer {
  return Buffer.from(`PROXY ${text}\r\n`, 'latin1')
}

/** Lets no error through but the parser's own. */
function outcome(bytes: Buffer) {
  try {
    return parseProxyHeader(bytes)
  } catch (error) {
    if (error instanceof ProxyHeaderError) return 'refused'
    throw error
  }
}

function sourceOf(bytes: Buffer): string | undefined {
  const header = parseProxyHeader(bytes)
  assert.notEqual(header, 'incomplete')
  return header === 'incomplete' ? undefined : header.source
}
