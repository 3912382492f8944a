import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { type TLSSocket } from 'node:tls'
import { chart } from '../support/chart-builder.ts'
import { eventually } from '../support/eventually.ts'
import { assertStored } from '../support/leftovers.ts'
import { LimitedServer } from '../support/limited-server.ts'
import { type TestPeer } from '../support/test-ca.ts'

const REFUSED = 'chartroom_refused_connections_total'

describe('limits on connections', () => {
  let limited: LimitedServer
  let ci: TestPeer

  async function start(limits: Readonly<Record<string, unknown>>): Promise<void> {
    limited = await LimitedServer.start(limits)
    ci = await limited.server.publisher()
  }

  afterEach(async () => {
    await limited.close()
  })

  async function servesAgain(): Promise<void> {
    await eventually(async () => {
      assert.equal(await limited.metric('chartroom_open_connections'), 0)
    })
    assert.equal((await limited.server.request(ci, 'GET', '/api/whoami')).status, 200)
  }

  it('tells those beyond the limit to come back, cuts those beyond that, and serves again afterwards', async () => {
    await start({ connections: 2 })
    // Each is busy: a request that has begun is not idle.
    const busy = await Promise.all([limited.openTls(ci), limited.openTls(ci)])
    for (const socket of busy) socket.write('GET /api/whoami HTTP/1.1\r\nhost: localhost\r\n')
    const reply = await limited.server.request(ci, 'GET', '/api/whoami')
    assert.equal(reply.status, 503)
    assert.equal(reply.headers['retry-after'], '5')
    assert.equal(reply.headers.connection, 'close')
    assert.match(reply.reason, /^Service Unavailable: the server is busy: 2 connections are open; try again$/)
    assert.equal(await limited.metric('chartroom_limited_requests_total{reason="connections"}'), 1)
    const reserve = await Promise.all(Array.from({ length: 16 }, () => limited.tryTls(ci)))
    assert.deepEqual(new Set(reserve), new Set(['established']))
    assert.equal(await limited.tryTls(ci), 'cut')
    assert.equal(await limited.metric(`${REFUSED}{reason="connections"}`), 1)
    assert.equal(await limited.metric('chartroom_open_connections'), 18)
    assert.ok(limited.server.logLines.some((line) => line.includes('closed a connection: too many are open')))
    // The ones that were within the limit are served all along.
    for (const socket of busy) socket.write('connection: close\r\n\r\n')
    for (const socket of busy) assert.match(await text(socket), /^HTTP\/1\.1 200 /)
    limited.closeConnections()
    await servesAgain()
  })

  it('makes room by ending kept connections that nobody uses', async () => {
    await start({ connections: 2 })
    const idle = await Promise.all([limited.openTls(ci), limited.openTls(ci)])
    for (const socket of idle) {
      socket.write('GET /api/whoami HTTP/1.1\r\nhost: localhost\r\n\r\n')
      await once(socket, 'data')
      socket.resume()
    }
    const ended = Promise.all(idle.map((socket) => once(socket, 'close')))
    assert.equal((await limited.server.request(ci, 'GET', '/api/whoami')).status, 200)
    await ended
  })

  it('makes room by ending connections on which no request has come for a while', async () => {
    await start({ connections: 2 })
    const [first, second] = [await limited.openTls(ci), await limited.openTls(ci)]
    const ended = once(first, 'close')
    await eventually(async () => {
      assert.equal((await limited.server.request(ci, 'GET', '/api/whoami')).status, 200)
    })
    await ended
    assert.equal(await limited.metric(`${REFUSED}{reason="unused"}`), 1)
    second.write('GET /api/whoami HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    assert.match(await text(second), /^HTTP\/1\.1 200 /)
  })

  it('lets handshakes wait that come too fast, and cuts those that would wait too long', async () => {
    await start({ handshakes: 4 })
    // 4 were saved up, and for 8 more the wait is 2 s at most.
    const results = await Promise.all(Array.from({ length: 30 }, () => limited.tryTls(ci)))
    const cut = results.filter((result) => result === 'cut').length
    assert.ok(cut >= 10 && cut <= 18, `${cut} were cut`)
    assert.equal(await limited.metric(`${REFUSED}{reason="handshakes"}`), cut)
    limited.closeConnections()
    await servesAgain()
  })

  it('serves others while 200 connections never finish their handshake, their headers or their body', async () => {
    await start({
      connections: 220,
      handshakeTimeout: '1500ms',
      headersTimeout: '1500ms',
      uploadStall: '1500ms',
    })
    const silent = await Promise.all(Array.from({ length: 140 }, () => limited.openTcp()))
    const secure: TLSSocket[] = []
    for (let opened = 0; opened < 60; opened += 20) {
      secure.push(...(await Promise.all(Array.from({ length: 20 }, () => limited.openTls(ci)))))
    }
    const head = 'POST /api/charts HTTP/1.1\r\nhost: localhost\r\n'
    for (const socket of secure.slice(0, 30)) socket.write(head)
    for (const socket of secure.slice(30)) socket.write(`${head}content-length: 100000\r\n\r\nsome of it`)
    const slow: readonly Socket[] = [...silent, ...secure]
    const ended = Promise.all(slow.map(async (socket) => socket.destroyed || once(socket.resume(), 'close')))
    assert.equal((await limited.server.request(ci, 'GET', '/api/whoami')).status, 200)
    await ended
    assert.equal(await limited.metric(`${REFUSED}{reason="upload-stalled"}`), 30)
    await servesAgain()
    await assertStored(limited.server.config.storage, { blobs: 0 })
  })

  it('lets an upload take its time as long as something comes', async () => {
    await start({ uploadStall: '500ms' })
    const socket = await limited.openTls(ci)
    const bytes = await chart({ name: 'demo', version: '1.0.0' })
    socket.write(
      `POST /api/charts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${bytes.length}\r\n\r\n`,
    )
    const reply = text(socket)
    for (let part = 0; part < 8; part += 1) {
      const size = Math.ceil(bytes.length / 8)
      socket.write(bytes.subarray(part * size, (part + 1) * size))
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    assert.match(await reply, /^HTTP\/1\.1 201 /)
    assert.equal(await limited.metric(`${REFUSED}{reason="upload-stalled"}`), 0)
  })

  const REFUSED_EARLY = 'POST /api/charts HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\nx'

  async function refusedEarly(stranger: TestPeer): Promise<TLSSocket> {
    const socket = await limited.openTls(stranger)
    socket.write(REFUSED_EARLY)
    const [reply] = (await once(socket, 'data')) as [Buffer]
    assert.match(reply.toString(), /^HTTP\/1\.1 403 /)
    return socket.resume()
  }

  it('ends a connection on which the rest of a refused request never comes', async () => {
    await start({ uploadStall: '500ms' })
    const socket = await refusedEarly(await limited.server.ca.client({ cn: 'reader' }))
    await once(socket, 'close')
    assert.equal(await limited.metric(`${REFUSED}{reason="upload-stalled"}`), 1)
    await servesAgain()
  })

  it('makes room by ending connections on which the rest of a refused request has not come', async () => {
    await start({ connections: 2 })
    const stranger = await limited.server.ca.client({ cn: 'reader' })
    const held = [await refusedEarly(stranger), await refusedEarly(stranger)]
    const ended = Promise.all(held.map((socket) => once(socket, 'close')))
    await eventually(async () => {
      assert.equal((await limited.server.request(ci, 'GET', '/api/whoami')).status, 200)
    })
    await ended
  })

  it('serves the next request on a connection once the rest of a refused one has come', async () => {
    await start({ uploadStall: '1s' })
    const socket = await refusedEarly(await limited.server.ca.client({ cn: 'reader' }))
    const next = text(socket)
    socket.write('x'.repeat(999))
    socket.write('GET /api/whoami HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n')
    assert.match(await next, /^HTTP\/1\.1 200 /)
    assert.equal(await limited.metric(`${REFUSED}{reason="upload-stalled"}`), 0)
  })
})
