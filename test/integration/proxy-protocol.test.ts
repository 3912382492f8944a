import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { TLSSocket } from 'node:tls'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { PeerAddresses } from '../../src/http/peer-addresses.ts'
import { ProxyGate } from '../../src/http/proxy-gate.ts'
import { BoundedLog } from '../../src/ops/bounded-log.ts'
import { createLog } from '../../src/ops/log.ts'
import { Metrics } from '../../src/ops/metrics.ts'
import { openTcp, openTls, prefixed, writeByBytes } from '../support/behind-proxy.ts'
import { chart } from '../support/chart-builder.ts'
import { eventually } from '../support/eventually.ts'
import { addressesV2, headerV1, headerV2 } from '../support/proxy-header.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'

const V1 = headerV1('203.0.113.7')
const V2 = headerV2({ family: 0x21, block: addressesV2('2001:db8::7', '2001:db8::9') })
const WHOAMI = 'GET /api/whoami HTTP/1.1\r\nhost: localhost\r\n'
const CLOSE = 'connection: close\r\n\r\n'
/** Not in the list of proxies, and an address of this machine as well. */
const STRANGER = '127.0.0.2'

describe('a server behind proxies', () => {
  let server: TestServer
  let ci: TestPeer
  let sockets: Socket[]

  before(async () => {
    server = await TestServer.start({ settings: { proxyProtocol: { from: ['127.0.0.1', 'fd00::/8'] } } })
    ci = await server.publisher()
  })

  after(async () => {
    await server.close()
  })

  beforeEach(() => {
    sockets = []
  })

  afterEach(() => {
    for (const socket of sockets) socket.destroy()
  })

  async function open(localAddress?: string): Promise<Socket> {
    const socket = await openTcp(server.port, localAddress)
    sockets.push(socket)
    return socket
  }

  async function secure(stream: Parameters<typeof openTls>[0]): Promise<TLSSocket> {
    const socket = await openTls(stream, { ca: server.ca.certificatePem, cert: ci.cert, key: ci.key })
    sockets.push(socket)
    return socket
  }

  async function behind(header: Buffer): Promise<TLSSocket> {
    const socket = await open()
    socket.write(header)
    return secure(socket)
  }

  /** The address in the log line of a request that this sends. */
  async function loggedFrom(socket: TLSSocket): Promise<unknown> {
    const before = requestLines(server).length
    socket.write(`${WHOAMI}${CLOSE}`)
    assert.match(await text(socket), /^HTTP\/1\.1 200 /)
    await eventually(() => {
      assert.equal(requestLines(server).length, before + 1)
    })
    return requestLines(server).at(-1)?.['from']
  }

  async function refused(reason: string): Promise<number> {
    const metrics = await (await fetch(`${server.opsUrl}/metrics`)).text()
    const line = new RegExp(`chartroom_refused_proxy_headers_total\\{reason="${reason}"\\} (\\d+)`)
    return Number(line.exec(metrics)?.[1] ?? 0)
  }

  it('logs the client that a v1 header names', async () => {
    assert.equal(await loggedFrom(await behind(V1)), '203.0.113.7')
  })

  it('logs the client that a v2 header names', async () => {
    assert.equal(await loggedFrom(await behind(V2)), '2001:db8::7')
  })

  it('logs the proxy itself where the header names nobody', async () => {
    assert.equal(await loggedFrom(await behind(Buffer.from('PROXY UNKNOWN\r\n'))), '127.0.0.1')
    const local = headerV2({ command: 0x20, family: 0x00, block: Buffer.alloc(0) })
    assert.equal(await loggedFrom(await behind(local)), '127.0.0.1')
  })

  it('reads a header that comes byte by byte', async () => {
    for (const header of [V1, V2]) {
      const socket = await open()
      await writeByBytes(socket, header)
      assert.match(String(await loggedFrom(await secure(socket))), /:?7$/)
    }
  })

  it('reads a header that comes in one piece with the first of TLS', async () => {
    for (const [header, address] of [
      [V1, '203.0.113.7'],
      [V2, '2001:db8::7'],
    ] as const) {
      const socket = prefixed(await open(), header)
      assert.equal(await loggedFrom(await secure(socket)), address)
    }
  })

  it('tells connections apart that are open at the same time', async () => {
    const addresses = Array.from({ length: 20 }, (_, last) => `198.51.100.${last}`)
    const open = await Promise.all(addresses.map((address) => behind(headerV1(address))))
    const replies = open.map((socket, place) => {
      socket.write(`${WHOAMI}x-request-id: at-once-${place}\r\n${CLOSE}`)
      return text(socket)
    })
    await Promise.all(replies)
    await eventually(() => {
      const lines = requestLines(server).filter(({ requestId }) => String(requestId).startsWith('at-once-'))
      const from = new Map(lines.map(({ requestId, from }) => [requestId, from]))
      assert.deepEqual(
        addresses.map((_, place) => from.get(`at-once-${place}`)),
        addresses,
      )
    })
  })

  it('knows the client of every request on a connection', async () => {
    const socket = await behind(V1)
    const before = requestLines(server).length
    socket.write(`${WHOAMI}\r\n${WHOAMI}\r\n${WHOAMI}${CLOSE}`)
    assert.equal((await text(socket)).match(/HTTP\/1\.1 200 /g)?.length, 3)
    await eventually(() => {
      const from = requestLines(server)
        .slice(before)
        .map(({ from }) => from)
      assert.deepEqual(from, ['203.0.113.7', '203.0.113.7', '203.0.113.7'])
    })
  })

  it('takes an upload, and audits it under the address of the client', async () => {
    const body = await chart({
      name: 'proxied',
      version: '1.0.0',
      files: { 'files/noise.txt': noise(300_000) },
    })
    const socket = prefixed(await open(), V2)
    const tls = await secure(socket)
    tls.write(`POST /api/charts HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${body.length}\r\n${CLOSE}`)
    tls.write(body)
    assert.match(await text(tls), /^HTTP\/1\.1 201 /)
    const catalog = await SqliteCatalog.open({ file: join(server.config.storage, 'catalog.db') })
    const [entry] = await catalog.listAudit({ limit: 1 })
    await catalog.close()
    assert.deepEqual([entry?.action, entry?.chart, entry?.from], ['publish', 'proxied', '2001:db8::7'])
  })

  it('sends a reply of some size whole', async () => {
    const tls = await behind(V1)
    tls.write(`GET /charts/proxied-1.0.0.tgz HTTP/1.1\r\nhost: localhost\r\n${CLOSE}`)
    const reply = Buffer.concat((await tls.toArray()) as Buffer[])
    const [, length] = /content-length: (\d+)/i.exec(reply.toString('latin1')) ?? []
    assert.ok(Number(length) > 100_000)
    assert.equal(reply.length - reply.indexOf('\r\n\r\n') - 4, Number(length))
  })

  it('names the client of an unverified peer and of a failed handshake in the log', async () => {
    const socket = await open()
    socket.write(headerV1('203.0.113.8'))
    const stranger = await openTls(socket, { ca: server.ca.certificatePem })
    stranger.write(`${WHOAMI}${CLOSE}`)
    assert.match(await text(stranger), /^HTTP\/1\.1 403 /)
    const garbled = await open()
    garbled.write(Buffer.concat([headerV1('203.0.113.9'), Buffer.from('GET / HTTP/1.1\r\n\r\n')]))
    await once(garbled.resume(), 'close')
    assert.equal(lineOf(server, 'refused an unverified peer')?.['from'], '203.0.113.8')
    assert.equal(lineOf(server, 'a TLS handshake failed')?.['from'], '203.0.113.9')
  })

  describe('for a sender that is not listed', () => {
    it('serves TLS as if there were no proxies', async () => {
      assert.equal(await loggedFrom(await secure(await open(STRANGER))), STRANGER)
    })

    for (const [version, header] of [
      ['v1', V1],
      ['v2', V2],
    ] as const) {
      it(`does not read a ${version} header: it is a broken handshake`, async () => {
        const handshakes = await failedHandshakes(server)
        const before = requestLines(server).length
        const socket = await open(STRANGER)
        socket.write(header)
        await assert.rejects(secure(socket))
        assert.equal(await failedHandshakes(server), handshakes + 1)
        assert.equal(requestLines(server).length, before)
      })
    }
  })

  const refusals: readonly (readonly [title: string, bytes: Buffer, reason: string])[] = [
    ['TLS without a header', Buffer.from('16030100', 'hex'), 'missing'],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n'), 'missing'],
    ['a malformed v1 header', Buffer.from('PROXY TCP4 1.2.3.4\r\n'), 'malformed'],
    ['a malformed v2 header', headerV2({ family: 0x77 }), 'malformed'],
    ['an oversized v1 header', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(200)}`), 'too-long'],
    ['an oversized v2 header', headerV2({ length: 0xffff }), 'too-long'],
  ]
  for (const [title, bytes, reason] of refusals) {
    it(`closes a connection from a proxy that begins with ${title}, before TLS, and counts it`, async () => {
      const [count, handshakes] = [await refused(reason), await failedHandshakes(server)]
      const socket = await open()
      socket.write(bytes)
      socket.resume()
      await once(socket, 'close')
      assert.equal(socket.bytesRead, 0)
      assert.equal(await refused(reason), count + 1)
      assert.equal(await failedHandshakes(server), handshakes)
    })
  }

  it('counts a connection from a proxy that ends before its header', async () => {
    const count = await refused('aborted')
    const half = await open()
    half.end(V1.subarray(0, 10))
    await once(half.resume(), 'close')
    const reset = await open()
    reset.write(V1.subarray(0, 10))
    reset.resetAndDestroy()
    await eventually(async () => {
      assert.equal(await refused('aborted'), count + 2)
    })
  })

  it('says in the log from which proxy, and why', () => {
    const line = lineOf(server, 'refused a connection from a proxy')
    assert.equal(line?.['from'], '127.0.0.1')
    assert.match(String(line['err']), /does not begin with a PROXY header/)
  })
})

describe('a server behind a proxy, stopping', () => {
  it('ends idle connections and those whose header has not come, and lets the request of another finish', async () => {
    const server = await TestServer.start({ settings: { proxyProtocol: { from: ['127.0.0.0/8'] } } })
    const { cert, key } = await server.publisher()
    const body = await chart({ name: 'late', version: '1.0.0' })
    const idle = await openTcp(server.port)
    idle.write(V1)
    const keptAlive = await openTls(idle, { ca: server.ca.certificatePem, cert, key })
    keptAlive.write(`${WHOAMI}\r\n`)
    await once(keptAlive, 'data')
    const silent = await openTcp(server.port)
    const halfway = await openTcp(server.port)
    halfway.write(V2.subarray(0, 14))
    const raw = await openTcp(server.port)
    raw.write(V1)
    const upload = await openTls(raw, { ca: server.ca.certificatePem, cert, key })
    upload.write(`POST /api/charts HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n`)
    // Answered once the server has seen the request: what comes before is no request in flight yet.
    upload.write('expect: 100-continue\r\n\r\n')
    await once(upload, 'readable')

    const stopped = server.stop()
    await Promise.all([keptAlive, silent, halfway].map((socket) => once(socket.resume(), 'close')))
    upload.write(body)
    assert.match(await text(upload), /HTTP\/1\.1 201 /)
    await stopped
    await server.close()
  })
})

describe('ProxyGate', () => {
  let server: Server
  let metrics: Metrics
  let addresses: PeerAddresses
  let port: number
  let sockets: Socket[]

  async function listen(timeoutMs: number, host = '127.0.0.1'): Promise<void> {
    sockets = []
    server = createServer({ handshakeTimeout: 50 })
    metrics = new Metrics()
    addresses = new PeerAddresses()
    const peerLog = new BoundedLog(createLog('silent'), () => new Date())
    const options = { from: [{ address: '127.0.0.1', prefix: 32 }], timeoutMs }
    new ProxyGate({ addresses, metrics, peerLog }, options).standBefore(server)
    server.listen(0, host)
    await once(server, 'listening')
    const address = server.address()
    port = typeof address === 'object' && address !== null ? address.port : 0
  }

  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await once(server.close(), 'close')
  })

  async function open(): Promise<Socket> {
    const socket = await openTcp(port)
    sockets.push(socket)
    return socket
  }

  async function refusals() {
    const { values } = await metrics.refusedProxyHeaders.get()
    return values.map(({ labels, value }) => [labels.reason, value])
  }

  it('closes a connection whose header comes too slowly, however it trickles in', async () => {
    await listen(50)
    const socket = await open()
    const trickle = setInterval(() => socket.write(' '), 10)
    socket.once('close', () => {
      clearInterval(trickle)
    })
    socket.write('PROXY UNKNOWN')
    await once(socket.resume(), 'close')
    assert.deepEqual(await refusals(), [['slow', 1]])
  })

  it('closes a connection on which nothing follows the header, and knows whose it was', async () => {
    await listen(1000)
    const failed = once(server, 'tlsClientError') as Promise<[Error, TLSSocket]>
    const socket = await open()
    socket.write(V1)
    const [[error, tls]] = await Promise.all([failed, once(socket.resume(), 'close')])
    assert.match(error.message, /handshake timeout/)
    assert.equal(addresses.of(tls), '203.0.113.7')
  })

  it('matches an IPv4 sender that a dual-stack socket shows as IPv6', async () => {
    await listen(1000, '::')
    const socket = await open()
    socket.write('no header')
    await once(socket.resume(), 'close')
    assert.deepEqual(await refusals(), [['missing', 1]])
  })

  it('drops a connection that no longer says where it is from', async () => {
    await listen(50)
    const gone = new Socket()
    server.emit('connection', gone)
    assert.equal(gone.destroyed, true)
  })

  it('drops a TLS connection that it cannot tell the client of', async () => {
    await listen(50)
    const unknown = new TLSSocket(new Socket())
    server.emit('secureConnection', unknown)
    assert.equal(unknown.destroyed, true)
    assert.equal(addresses.of(unknown), 'unknown')
  })
})

function requestLines(server: TestServer): readonly Record<string, unknown>[] {
  return linesOf(server, 'request')
}

function lineOf(server: TestServer, message: string): Record<string, unknown> | undefined {
  return linesOf(server, message)[0]
}

function linesOf({ logLines }: TestServer, message: string): readonly Record<string, unknown>[] {
  return logLines
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter(({ msg }) => msg === message)
}

async function failedHandshakes({ opsUrl }: TestServer): Promise<number> {
  const metrics = await (await fetch(`${opsUrl}/metrics`)).text()
  return Number(/chartroom_failed_handshakes_total (\d+)/.exec(metrics)?.[1])
}

/** That gzip cannot make small. */
function noise(length: number): string {
  let seed = 1
  return Array.from({ length }, () => {
    seed = (seed * 48_271) % 2_147_483_647
    return (seed % 36).toString(36)
  }).join('')
}
