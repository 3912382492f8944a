import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import { connect as connectTcp, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import { connect, type TLSSocket } from 'node:tls'
import { chart } from '../support/chart-builder.ts'
import { agentOf, exchange } from '../support/exchange.ts'
import { Installation } from '../support/installation.ts'
import { filesBelow } from '../support/leftovers.ts'
import { eventually } from '../support/eventually.ts'
import { ServerProcess } from '../support/server-process.ts'
import { type TestPeer } from '../support/test-ca.ts'

/** Far more than what a shutdown without anything to wait for takes, and far less than the deadline of the drain. */
const AT_ONCE_MS = 2500
const DRAIN_MS = 8000
/** Of an upload: more than the server holds in memory, so that a file of it can be seen. */
const PART_BYTES = 100_000

describe('stopping', () => {
  let installation: Installation
  let server: ServerProcess
  let port: number
  let ci: TestPeer
  let archive: Buffer
  let sockets: Socket[]

  before(async () => {
    const noise = randomBytes(PART_BYTES).toString('base64')
    archive = await chart({ files: { 'values.yaml': 'x: 1\n', 'big.bin': noise } })
  })

  async function start(drain: string): Promise<void> {
    installation = await Installation.create({ settings: { shutdown: { drain } } })
    ci = await installation.publisher()
    sockets = []
    server = ServerProcess.serve(installation)
    port = await server.port()
  }

  afterEach(async () => {
    for (const socket of sockets) socket.destroy()
    await server.kill('SIGKILL')
    await installation.remove()
  })

  async function openTls(): Promise<TLSSocket> {
    const { cert, key } = ci
    const socket = connect({ host: 'localhost', port, ca: installation.ca.certificatePem, cert, key })
    // A connection that the server cuts may end in a reset.
    socket.on('error', () => undefined)
    sockets.push(socket)
    await once(socket, 'secureConnect')
    return socket
  }

  async function openTcp(): Promise<Socket> {
    const socket = connectTcp({ host: '127.0.0.1', port })
    socket.on('error', () => undefined)
    sockets.push(socket)
    await once(socket, 'connect')
    return socket
  }

  /** An upload of which the server has a part, and no more comes. */
  async function beginUpload(): Promise<TLSSocket> {
    const socket = await openTls()
    socket.write(`POST /api/charts HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${archive.length}\r\n\r\n`)
    socket.write(archive.subarray(0, PART_BYTES))
    await eventually(async () => {
      assert.equal((await filesBelow(`${installation.storage}/tmp`)).length, 1)
    })
    return socket
  }

  async function untilDraining(): Promise<void> {
    await eventually(() => {
      assert.match(server.output, /"draining"/)
    })
  }

  async function isRefused(): Promise<boolean> {
    const socket = connectTcp({ host: '127.0.0.1', port })
    sockets.push(socket)
    return once(socket, 'connect').then(
      () => false,
      (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED',
    )
  }

  async function millisecondsOf(work: Promise<unknown>): Promise<number> {
    const start = performance.now()
    await work
    return performance.now() - start
  }

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`after ${signal} lets an upload in flight finish, and takes no new connection meanwhile`, async () => {
      await start(`${DRAIN_MS}ms`)
      await server.explaining(async () => {
        const socket = await beginUpload()
        await server.kill(signal)
        await untilDraining()
        assert.ok(await isRefused())
        socket.write(archive.subarray(PART_BYTES, -20))
        for (const byte of archive.subarray(-20)) socket.write(Buffer.of(byte))
        // To its end: the server closes the connection.
        const reply = (await buffer(socket)).toString()
        assert.match(reply, /^HTTP\/1\.1 201 Created\r\n/)
        assert.match(reply, /\r\nconnection: close\r\n/i)
        assert.deepEqual(await server.exited, { code: 0, signal: null })
      })
      assert.deepEqual(await filesBelow(`${installation.storage}/tmp`), [])
      const again = ServerProcess.command(installation, 'fsck')
      assert.deepEqual(await again.exited, { code: 0, signal: null })
      assert.match(again.output, /^1 versions checked, 0 broken$/m)
    })
  }

  it('says on /readyz that it is draining, for as long as it is', async () => {
    await start(`${DRAIN_MS}ms`)
    await server.explaining(async () => {
      const [, ops = ''] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(server.output) ?? []
      assert.equal((await fetch(`${ops}/readyz`)).status, 200)
      const socket = await beginUpload()
      await server.kill('SIGTERM')
      await untilDraining()
      const reply = await fetch(`${ops}/readyz`)
      assert.equal(reply.status, 503)
      assert.equal(reply.statusText, 'Service Unavailable: draining')
      assert.deepEqual(await reply.json(), { ready: false, draining: true })
      assert.equal((await fetch(`${ops}/livez`)).status, 200)
      socket.write(archive.subarray(PART_BYTES))
      assert.match((await buffer(socket)).toString(), /^HTTP\/1\.1 201 Created\r\n/)
      assert.deepEqual(await server.exited, { code: 0, signal: null })
    })
  })

  it('cuts an upload that does not end at the deadline, leaves nothing of it, and counts as done', async () => {
    await start('500ms')
    await server.explaining(async () => {
      const socket = await beginUpload()
      const closed = once(socket, 'close')
      await server.kill('SIGTERM')
      const waited = await millisecondsOf(server.exited)
      assert.deepEqual(await server.exited, { code: 0, signal: null })
      await closed
      assert.ok(waited >= 450 && waited < 500 + AT_ONCE_MS, `${waited} ms`)
      assert.match(server.output, /"stopped"/)
      assert.doesNotMatch(server.output, /"level":50/)
    })
    assert.deepEqual(await filesBelow(installation.storage), ['catalog.db'])
  })

  it('does not wait for connections on which nothing is being asked', async () => {
    await start(`${DRAIN_MS}ms`)
    await server.explaining(async () => {
      const agent = agentOf(installation.ca.certificatePem, ci, 'kept alive')
      await exchange(agent, 'GET', `https://localhost:${port}/index.yaml`)
      await openTls()
      await openTcp()
      const halfway = await openTls()
      halfway.write('GET /index.yaml HTTP/1.1\r\nhost: loc')
      await server.kill('SIGTERM')
      const waited = await millisecondsOf(server.exited)
      agent.destroy()
      assert.ok(waited < AT_ONCE_MS, `${waited} ms`)
      assert.deepEqual(await server.exited, { code: 0, signal: null })
    })
  })

  it('lets a reader that is slow take the rest of its reply', async () => {
    await start(`${DRAIN_MS}ms`)
    await server.explaining(async () => {
      const agent = agentOf(installation.ca.certificatePem, ci, 'used once')
      // More than the kernel takes off the server's hands.
      const files = ['a', 'b', 'c'].map((name) => [name, randomBytes(4_500_000)] as const)
      const big = await chart({ files: Object.fromEntries(files) })
      const published = await exchange(agent, 'POST', `https://localhost:${port}/api/charts`, { body: big })
      assert.equal(published.status, 201, published.reason)
      const request = httpsRequest(`https://localhost:${port}/charts/demo-0.1.0.tgz`, { agent })
      const [response] = (await once(request.end(), 'response')) as [NodeJS.ReadableStream]
      await server.kill('SIGTERM')
      await untilDraining()
      assert.doesNotMatch(server.output, /"stopped"/)
      assert.ok((await buffer(response)).equals(big))
      assert.deepEqual(await server.exited, { code: 0, signal: null })
    })
  })

  for (const [first, second, code] of [
    ['SIGTERM', 'SIGTERM', 143],
    ['SIGINT', 'SIGINT', 130],
    ['SIGTERM', 'SIGINT', 130],
  ] as const) {
    it(`ends at once when ${second} comes on top of ${first}, and the next start cleans up`, async () => {
      await start(`${DRAIN_MS}ms`)
      await server.explaining(async () => {
        await beginUpload()
        await server.kill(first)
        await untilDraining()
        await server.kill(second)
        const waited = await Promise.race([
          millisecondsOf(server.exited),
          setTimeout(AT_ONCE_MS, undefined, { ref: false }),
        ])
        assert.notEqual(waited, undefined)
        assert.deepEqual(await server.exited, { code, signal: null })
      })
      server = ServerProcess.serve(installation)
      await server.port()
      assert.deepEqual(await filesBelow(`${installation.storage}/tmp`), [])
    })
  }
})
