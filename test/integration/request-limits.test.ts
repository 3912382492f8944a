import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type TLSSocket } from 'node:tls'
import { chart } from '../support/chart-builder.ts'
import { runChartroom } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { form } from '../support/form.ts'
import { helmBinaries, runHelm } from '../support/helm-binaries.ts'
import { assertStored } from '../support/leftovers.ts'
import { LimitedServer } from '../support/limited-server.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { type Reply } from '../support/test-server.ts'

const MIB = 1024 * 1024
const LIMITED = 'chartroom_limited_requests_total'

describe('limits on requests', () => {
  let limited: LimitedServer
  let ci: TestPeer
  let reader: TestPeer
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-limits-'))
  })

  afterEach(async () => {
    await limited.close()
    await rm(folder, { recursive: true })
  })

  async function start(limits: Readonly<Record<string, unknown>>): Promise<void> {
    limited = await LimitedServer.start(limits)
    ci = await limited.server.publisher()
    reader = await limited.server.reader()
  }

  async function get(path: string, peer = reader): Promise<Reply> {
    return limited.server.request(peer, 'GET', path)
  }

  async function post(body: Buffer): Promise<Reply> {
    return limited.server.request(ci, 'POST', '/api/charts', { body })
  }

  /** An upload of which all but the last byte has been sent. */
  async function beginUpload(body: Buffer): Promise<{ readonly finish: () => Promise<string> }> {
    const socket = await limited.openTls(ci)
    const head = `POST /api/charts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}`
    socket.write(`${head}\r\n\r\n`)
    socket.write(body.subarray(0, -1))
    const reply = text(socket)
    return {
      finish: async () => {
        socket.write(body.subarray(-1))
        return reply
      },
    }
  }

  /** Sends a request and takes nothing of the reply. */
  async function stalledReader(path: string): Promise<TLSSocket> {
    const socket = await limited.openTls(reader)
    socket.pause()
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`)
    return socket
  }

  /** An index of 10 MB. */
  async function publishMuch(): Promise<void> {
    const annotations = { much: 'x'.repeat(250_000) }
    const publishes = Array.from({ length: 44 }, async (_, minor) =>
      post(await chart({ version: `1.${minor}.0`, metadata: { annotations } })),
    )
    for (const { status, reason } of await Promise.all(publishes)) assert.equal(status, 201, reason)
  }

  async function inProgress(count: number): Promise<void> {
    await eventually(async () => {
      assert.equal(await limited.metric('chartroom_requests_in_flight'), count)
    })
  }

  describe('of one identity', () => {
    it('warns who comes close, and answers 429 beyond, until the window is over; others are not concerned', async () => {
      await start({ rate: 6, rateWindow: '2s' })
      const replies: Reply[] = []
      for (let count = 0; count < 7; count += 1) replies.push(await get('/api/whoami'))
      assert.deepEqual(
        replies.map(({ status }) => status),
        [200, 200, 200, 200, 200, 200, 429],
      )
      assert.deepEqual(
        replies.map(({ headers }) => /^limit=6, remaining=(\d)/.exec(String(headers['ratelimit']))?.[1]),
        [undefined, undefined, undefined, '2', '1', '0', '0'],
      )
      const [last] = replies.slice(-1)
      assert.ok(last)
      assert.equal(last.headers['ratelimit-policy'], '6;w=2')
      assert.match(last.headers['retry-after'] ?? '', /^[12]$/)
      assert.match(last.reason, /^Too Many Requests: more than 6 requests within 2 s; try again in [12] s$/)
      assert.match(last.bytes.toString(), /"error":"more than 6 requests/)
      assert.equal(await limited.metric(`${LIMITED}{reason="rate"}`), 1)
      assert.equal((await get('/api/whoami', ci)).status, 200)
      await eventually(async () => {
        assert.equal((await get('/api/whoami')).status, 200)
      })
      await inProgress(0)
    })

    it('counts an identity, whatever certificate it shows', async () => {
      await start({ rate: 2, rateWindow: '1m' })
      const other = await limited.server.reader()
      const statuses: number[] = []
      for (const peer of [reader, other, other]) statuses.push((await get('/api/whoami', peer)).status)
      assert.deepEqual(statuses, [200, 200, 429])
    })

    it('can be off', async () => {
      await start({ rate: 'off' })
      const reply = await get('/api/whoami')
      assert.deepEqual([reply.status, reply.headers['ratelimit']], [200, undefined])
    })

    for (const helm of helmBinaries().slice(-1)) {
      it(`shows ${helm.name} why`, async () => {
        await start({ rate: 1, rateWindow: '1m' })
        await get('/api/whoami')
        const { certFile, keyFile, caFile } = await reader.write(folder, 'reader')
        const flags = ['--cert-file', certFile, '--key-file', keyFile, '--ca-file', caFile]
        const args = ['repo', 'add', 'charts', limited.server.url, ...flags]
        const { code, stderr } = await runHelm(helm, args, { home: folder })
        assert.equal(code, 1)
        assert.match(stderr, /429 Too Many Requests: more than 1 requests within 60 s; try again in \d+ s/)
      })
    }
  })

  it('finishes what it has begun, and answers 503 to what is more', async () => {
    await start({ requests: 3 })
    const uploads = await Promise.all(
      ['1.0.0', '1.1.0', '1.2.0'].map(async (version) => beginUpload(await chart({ version }))),
    )
    await inProgress(3)
    const refused = await Promise.all([get('/index.yaml'), get('/index.yaml'), post(await chart())])
    for (const { status, reason, headers } of refused) {
      assert.deepEqual([status, headers['retry-after']], [503, '1'])
      assert.equal(reason, 'Service Unavailable: the server is busy: 3 requests are in progress; try again')
    }
    await fetch(`${limited.server.opsUrl}/readyz`).then(({ status }) => {
      assert.equal(status, 200)
    })
    assert.equal(await limited.metric(`${LIMITED}{reason="requests"}`), 3)
    for (const upload of uploads) assert.match(await upload.finish(), /^HTTP\/1\.1 201 /)
    await inProgress(0)
    assert.equal((await get('/index.yaml')).status, 200)
    await assertStored(limited.server.config.storage, { blobs: 6 })
  })

  it('holds a slice for each of 44 stalled readers and no more, cuts who stays, and serves who goes on', async () => {
    await start({ requests: 44, replyStall: '3s' })
    await publishMuch()
    await inProgress(0)
    const { length } = (await get('/index.yaml')).bytes
    assert.ok(length > 10 * MIB)
    const before = process.memoryUsage().rss
    const readers = await Promise.all(Array.from({ length: 44 }, () => stalledReader('/index.yaml')))
    await inProgress(44)
    const held = process.memoryUsage().rss - before
    assert.ok(held < 100 * MIB, `${Math.round(held / MIB)} MiB for ${44 * 10} MiB of replies`)
    const more = await Promise.all(Array.from({ length: 20 }, () => get('/index.yaml')))
    for (const { status, headers } of more) assert.deepEqual([status, headers['retry-after']], [503, '1'])
    const [going, staying] = [readers.slice(0, 20), readers.slice(20)]
    for (const reply of await Promise.all(going.map(async (socket) => text(socket)))) {
      assert.match(reply, /^HTTP\/1\.1 200 OK\r\n/)
      assert.equal(reply.length - reply.indexOf('\r\n\r\n') - 4, length)
    }
    await inProgress(0)
    assert.equal(await limited.metric('chartroom_refused_connections_total{reason="reply-stalled"}'), 24)
    for (const socket of staying) socket.destroy()
    await eventually(async () => {
      assert.equal(await limited.metric('chartroom_open_connections'), 0)
    })
    assert.equal((await get('/index.yaml')).status, 200)
  })

  describe('that publish', () => {
    it('has those wait that come together, and answers 503 to those for whom there is no room', async () => {
      await start({ publishes: 1, publishesWaiting: 3 })
      const held = await beginUpload(await chart({ name: 'held' }))
      await inProgress(1)
      const waiting = [1, 2, 3].map(async (minor) => post(await chart({ version: `1.${minor}.0` })))
      await inProgress(4)
      const more = await Promise.all(
        [4, 5].map(async (minor) => post(await chart({ version: `1.${minor}.0` }))),
      )
      for (const { status, reason, headers } of more) {
        assert.deepEqual([status, headers['retry-after']], [503, '2'])
        assert.equal(
          reason,
          'Service Unavailable: the server is busy: 1 charts are being published; try again',
        )
      }
      // Reading goes on.
      assert.equal((await get('/index.yaml')).status, 200)
      assert.match(await held.finish(), /^HTTP\/1\.1 201 /)
      for (const { status } of await Promise.all(waiting)) assert.equal(status, 201)
      await inProgress(0)
      assert.equal(await limited.metric(`${LIMITED}{reason="publishes"}`), 2)
      await assertStored(limited.server.config.storage, { blobs: 8 })
    })

    it('gives the turn of somebody who has left to the next one', async () => {
      await start({ publishes: 1, publishesWaiting: 1 })
      const held = await beginUpload(await chart({ name: 'held' }))
      await inProgress(1)
      const left = await limited.openTls(ci)
      left.write('POST /api/charts HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n')
      await inProgress(2)
      left.destroy()
      await inProgress(1)
      const next = post(await chart())
      await inProgress(2)
      assert.match(await held.finish(), /^HTTP\/1\.1 201 /)
      assert.equal((await next).status, 201)
    })

    it('is tried again by chartroom publish when it is told to', async () => {
      await start({ publishes: 1, publishesWaiting: 0 })
      const held = await beginUpload(await chart({ name: 'held' }))
      await inProgress(1)
      const path = join(folder, 'demo-0.1.0.tgz')
      await writeFile(path, await chart())
      const { certFile, keyFile, caFile } = await ci.write(folder, 'ci')
      const flags = ['--cert-file', certFile, '--key-file', keyFile, '--ca-file', caFile]
      const published = runChartroom(['publish', path, '--repo', limited.server.url, ...flags])
      await eventually(async () => {
        assert.equal(await limited.metric(`${LIMITED}{reason="publishes"}`), 1)
      })
      await held.finish()
      const { code, stdout, stderr } = await published
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^created demo 0\.1\.0 /)
      assert.match(stderr, /503 .*1 charts are being published/)
    })

    it('takes 40 forms of cm-push at once, as they come', async () => {
      await start({ publishes: 2, publishesWaiting: 38 })
      const statuses = await Promise.all(
        Array.from({ length: 40 }, async (_, minor) => {
          const content = await chart({ version: `1.${minor}.0` })
          const { body, headers } = form([{ name: 'chart', filename: 'demo.tgz', content }])
          return (await limited.server.request(ci, 'POST', '/api/charts', { body, headers })).status
        }),
      )
      assert.deepEqual(new Set(statuses), new Set([201]))
      await assertStored(limited.server.config.storage, { blobs: 80 })
    })
  })
})
