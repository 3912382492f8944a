import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { buffer } from 'node:stream/consumers'
import { chart } from '../support/chart-builder.ts'
import { Installation } from '../support/installation.ts'
import { filesBelow } from '../support/leftovers.ts'
import { ServerProcess } from '../support/server-process.ts'
import { readTrace, requireTracing, tracer, type SystemCall } from '../support/system-calls.ts'

const WATCHED = [
  'write',
  'writev',
  'pwrite64',
  'pwritev',
  'sendto',
  'sendmsg',
  'fsync',
  'fdatasync',
  'rename',
  'renameat',
  'renameat2',
]

describe('a publish that has been acknowledged', function () {
  this.timeout(60_000)
  let installation: Installation
  let calls: readonly SystemCall[]
  let blobs: readonly string[]
  let clientPort: number

  before(async function () {
    await requireTracing(this, 'the order of a publish’s system calls is not checked')
    installation = await Installation.create()
    const trace = join(installation.folder, 'trace')
    const server = ServerProcess.serve(installation, tracer(trace, WATCHED))
    await server.explaining(async () => {
      clientPort = await publishOnce(await server.port())
      await server.kill('SIGTERM')
      assert.deepEqual(await server.exited, { code: 0, signal: null })
    })
    calls = await readTrace(trace)
    blobs = (await filesBelow(join(installation.storage, 'blobs'))).map((name) => name.slice(-64))
  })

  after(async () => {
    // A machine without strace has not come so far.
    await (installation as Installation | undefined)?.remove()
  })

  /** Resolves to the client's port: the server's end of the connection is known by it. */
  async function publishOnce(port: number): Promise<number> {
    const { cert, key } = await installation.publisher()
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca: installation.ca.certificatePem,
      cert,
      key,
    })
    await once(socket, 'secureConnect')
    const { localPort = 0 } = socket
    const body = await chart()
    socket.write(
      `POST /api/charts HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-length: ${body.length}\r\n\r\n`,
    )
    socket.write(body)
    assert.match((await buffer(socket)).toString(), /^HTTP\/1\.1 201 Created\r\n/)
    return localPort
  }

  function find(what: string, matches: (call: SystemCall) => boolean): readonly SystemCall[] {
    const found = calls.filter(matches)
    assert.ok(found.length > 0, `the trace shows no ${what}`)
    return found
  }

  function assertBefore(first: readonly SystemCall[], then: readonly SystemCall[], what: string): void {
    const end = Math.max(...first.map((call) => call.end))
    const begin = Math.min(...then.map((call) => call.begin))
    assert.ok(end < begin, `${what}: line ${end + 1} of the trace is not before line ${begin + 1}`)
  }

  const isWrite = ({ name }: SystemCall): boolean => /^(p?writev?(64)?|send(to|msg))$/.test(name)
  const isSync = ({ name }: SystemCall): boolean => name === 'fsync' || name === 'fdatasync'

  /** The move of the blob's temporary file into its place. */
  function moveOf(blob: string): SystemCall {
    const [move, ...others] = find(`rename to ${blob}`, ({ name, places }) => {
      return name.startsWith('rename') && places.at(-1)?.endsWith(blob) === true
    })
    assert.ok(move !== undefined && others.length === 0)
    return move
  }

  /** The syncs of the folder that the blob is in, after the move. */
  function folderSyncOf(blob: string): SystemCall {
    const shard = join(installation.storage, 'blobs', 'sha256', blob.slice(0, 2))
    const moved = moveOf(blob)
    const [sync] = find(
      `fsync of ${shard}`,
      (call) => isSync(call) && call.places[0] === shard && call.begin > moved.end,
    )
    assert.ok(sync !== undefined)
    return sync
  }

  const toWal = ({ places }: SystemCall): boolean => places[0]?.endsWith('/catalog.db-wal') === true

  /** The commit that makes the version visible: the first write to the log after both blobs are in place. */
  function commitOfVersion(): { readonly writes: readonly SystemCall[]; readonly sync: SystemCall } {
    const placed = Math.max(...blobs.map((blob) => folderSyncOf(blob).end))
    const reply = replyOf()
    const writes = find(
      'write to the log',
      (call) => isWrite(call) && toWal(call) && call.begin > placed && call.begin < reply.begin,
    )
    const last = Math.max(...writes.map(({ end }) => end))
    const [sync] = find('sync of the log', (call) => isSync(call) && toWal(call) && call.begin > last)
    assert.ok(sync !== undefined)
    return { writes, sync }
  }

  /** The first thing sent to the client after its chart had come. */
  function replyOf(): SystemCall {
    const received = Math.min(
      ...find('staged byte', (call) => isWrite(call) && isTemporary(call)).map(({ begin }) => begin),
    )
    const [reply] = find('reply', (call) => isWrite(call) && isToClient(call) && call.begin > received)
    assert.ok(reply !== undefined)
    return reply
  }

  const isTemporary = ({ places }: SystemCall): boolean =>
    places[0]?.startsWith(join(installation.storage, 'tmp')) === true
  const isToClient = ({ places }: SystemCall): boolean =>
    places[0]?.startsWith('TCP:') === true && places[0].endsWith(`:${clientPort}]`)

  it('has written and synced archive and provenance before they got their names', () => {
    assert.equal(blobs.length, 2)
    for (const blob of blobs) {
      const move = moveOf(blob)
      const [temporary] = move.places
      const writes = find(`write to ${temporary}`, (call) => isWrite(call) && call.places[0] === temporary)
      const syncs = find(`sync of ${temporary}`, (call) => isSync(call) && call.places[0] === temporary)
      assertBefore(writes, syncs, 'all bytes are written, then synced')
      assertBefore(syncs, [move], 'the bytes are durable, then the name is')
    }
  })

  it('has made their names durable before the catalog names them', () => {
    const { writes } = commitOfVersion()
    for (const blob of blobs)
      assertBefore([folderSyncOf(blob)], writes, 'the blob is durable, then the row is written')
    const moving = Math.min(...blobs.map((blob) => moveOf(blob).begin))
    const logged = calls.filter((call) => isWrite(call) && toWal(call) && call.begin > moving)
    assertBefore(blobs.map(folderSyncOf), logged, 'nothing is logged while blobs are on their way')
  })

  it('has synced the catalog’s log before the reply was sent', () => {
    const { writes, sync } = commitOfVersion()
    assertBefore(writes, [sync], 'the row is written, then synced')
    assertBefore([sync], [replyOf()], 'the row is durable, then the client is told')
  })
})
