import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { type Agent } from 'node:https'
import { connect } from 'node:tls'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { parseDigest } from '../../src/chart/digest.ts'
import { generateSigningKey } from '../../src/provenance/generate-signing-key.ts'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { verifyProvenance } from '../../src/provenance/verify.ts'
import { chart } from '../support/chart-builder.ts'
import { collected } from '../support/collected.ts'
import { eventually } from '../support/eventually.ts'
import { agentOf, exchange, jsonOf } from '../support/exchange.ts'
import { form } from '../support/form.ts'
import { Installation, testSigningKey } from '../support/installation.ts'
import { filesBelow } from '../support/leftovers.ts'
import { PublishingRecord, sha256 } from '../support/publishing-record.ts'
import { createRandom } from '../support/random.ts'
import { ServerProcess } from '../support/server-process.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { signChart } from '../support/use-cases.ts'

/** Two processes serve the one storage folder and die independently: sometimes one, sometimes none is alive. */
const LANES = ['east', 'west'] as const
const KILLS_PER_LANE = 50
const PUBLISHERS_PER_LANE = 3
/** A process is listening after about this long; every third is killed at any time before. */
const STARTING_MS = 700
/** The others are killed after so many replies at most, counted and not timed: a slow machine proves as much. */
const MOST_REPLIES = 16
const LONGEST_PAUSE_MS = 30

describe('a server that is killed again and again', () => {
  const seed = Number(process.env['CHARTROOM_TEST_SEED'] ?? Date.now() % 1_000_000)
  const random = createRandom(seed)
  let installation: Installation
  let ci: TestPeer
  let publisherKey: SigningKey
  let record: PublishingRecord
  let kills: number
  let made: number
  let hasFailed: boolean

  before(async () => {
    installation = await Installation.create({ settings: { log: { level: 'warn' } } })
    ci = await installation.publisher()
    const armored = await generateSigningKey({ userId: 'CI <ci@example.org>', now: new Date() })
    publisherKey = await SigningKey.open({ armored })
    record = new PublishingRecord()
    kills = 0
    made = 0
    hasFailed = false
  })

  after(async () => {
    await installation.remove()
  })

  it('keeps every acknowledged version whole, shows nothing else, and leaves nothing that is not cleaned up', async () => {
    try {
      await runLanes()
      assert.ok(kills >= 100, `${kills} kills`)
      assert.ok(record.acknowledged.length > kills, `${record.acknowledged.length} versions`)
      await killDuringUpload()
      await checkEverything()
    } catch (error) {
      console.error(`to repeat: CHARTROOM_TEST_SEED=${seed}`)
      throw error
    }
  }).timeout(300_000)

  /** Fails when all have stopped: where one fails, the others end their round. */
  async function runLanes(): Promise<void> {
    const lanes = LANES.map(async (lane) => {
      try {
        await killAgainAndAgain(lane)
      } catch (error) {
        hasFailed = true
        throw error
      }
    })
    await Promise.allSettled(lanes)
    await Promise.all(lanes)
  }

  async function killAgainAndAgain(lane: string): Promise<void> {
    for (let round = 0; round < KILLS_PER_LANE && !hasFailed; round += 1) {
      const server = ServerProcess.serve(installation)
      await server.explaining(async () => {
        try {
          if (round % 3 === 2) await setTimeout(random() * STARTING_MS)
          else await liveAndDie(server, lane)
        } finally {
          await server.kill('SIGKILL')
        }
        assert.deepEqual(await server.exited, { code: null, signal: 'SIGKILL' })
        assert.doesNotMatch(server.output, /"level":50/)
        kills += 1
      })
    }
  }

  /** Checks what the crashes before have left, then publishes until the kill. */
  async function liveAndDie(server: ServerProcess, lane: string): Promise<void> {
    const url = `https://localhost:${await server.port()}`
    const agent = agentOf(installation.ca.certificatePem, ci, 'kept alive')
    let isAlive = true
    let awaited = Math.floor(random() * MOST_REPLIES)
    const enough = new AbortController()
    const onReply = (): void => {
      awaited -= 1
      if (awaited === 0) enough.abort()
    }
    try {
      const index = await record.checkIndex(agent, url)
      const own = record.attempted((name) => name.startsWith(lane))
      await record.checkFiles(agent, url, index, own.slice(-PUBLISHERS_PER_LANE * 2))
      const publishers = Array.from({ length: PUBLISHERS_PER_LANE }, () =>
        publishUntilKilled(agent, url, lane, { isAlive: () => isAlive, onReply }),
      )
      if (awaited > 0) await Promise.race([Promise.all(publishers), once(enough.signal, 'abort')])
      await setTimeout(random() * LONGEST_PAUSE_MS)
      isAlive = false
      await server.kill('SIGKILL')
      await Promise.all(publishers)
    } finally {
      agent.destroy()
    }
  }

  async function publishUntilKilled(
    agent: Agent,
    url: string,
    lane: string,
    { isAlive, onReply }: { readonly isAlive: () => boolean; readonly onReply: () => void },
  ): Promise<void> {
    while (isAlive()) {
      const attempt = await chooseAttempt(lane)
      record.attempt(attempt.name, attempt.version, attempt.archive)
      try {
        await publishOne(agent, url, attempt)
        onReply()
      } catch (error) {
        // The kill; before it, nothing may go wrong.
        if (isAlive() || error instanceof assert.AssertionError) throw error
      }
    }
  }

  interface Attempt {
    readonly name: string
    readonly version: string
    readonly archive: Buffer
    readonly provenance: string | undefined
  }

  /** Mostly a new version; sometimes the same again, or other content under a name that is or may be taken. */
  async function chooseAttempt(lane: string): Promise<Attempt> {
    const known = record.attempted((name) => name.startsWith(lane) || name === 'shared')
    const earlier = random() < 0.3 ? known[Math.floor(random() * known.length)] : undefined
    made += 1
    const name = earlier?.name ?? (random() < 0.1 ? 'shared' : `${lane}-${made % 7}`)
    const version = earlier?.version ?? `1.${made}.0`
    const again = random() < 0.5 ? [...(earlier?.contents.values() ?? [])][0] : undefined
    const archive = again ?? (await chart({ name, version, files: { 'values.yaml': `made: ${made}\n` } }))
    const isSigned = random() < 0.25
    const provenance = isSigned ? await signChart(publisherKey, archive, { name, version }) : undefined
    return { name, version, archive, provenance }
  }

  async function publishOne(agent: Agent, url: string, attempt: Attempt): Promise<void> {
    const { name, version, archive, provenance } = attempt
    const filename = `${name}-${version}.tgz`
    const request =
      provenance === undefined
        ? { body: archive }
        : form([
            { name: 'chart', filename, content: archive },
            { name: 'prov', filename: `${filename}.prov`, content: provenance },
          ])
    const reply = await exchange(agent, 'POST', `${url}/api/charts`, request)
    if (reply.status === 409 && (provenance !== undefined || !record.isAcknowledged(name, version, archive)))
      return
    assert.equal(reply.status, 201, `${filename}: ${reply.reason}`)
    assert.equal((jsonOf(reply) as { digest: string }).digest, sha256(archive))
    record.acknowledge(name, version, archive, provenance === undefined ? 'unsigned' : 'signed')
  }

  async function killDuringUpload(): Promise<void> {
    const server = ServerProcess.serve(installation)
    const { cert, key } = ci
    const port = await server.port()
    const socket = connect({ host: 'localhost', port, ca: installation.ca.certificatePem, cert, key })
    socket.on('error', () => undefined)
    socket.write('POST /api/charts HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n')
    // More than is held in memory.
    socket.write(Buffer.alloc(200_000))
    await server.explaining(async () => {
      await eventually(async () => {
        assert.equal((await filesBelow(join(installation.storage, 'tmp'))).length, 1)
      })
    })
    await server.kill('SIGKILL')
    socket.destroy()
    assert.equal((await filesBelow(join(installation.storage, 'tmp'))).length, 1)
  }

  async function checkEverything(): Promise<void> {
    const server = ServerProcess.serve(installation)
    await server.explaining(async () => {
      const url = `https://localhost:${await server.port()}`
      assert.deepEqual(
        await readdir(join(installation.storage, 'tmp')),
        [],
        'temporary folders of dead processes',
      )
      const agent = agentOf(installation.ca.certificatePem, ci, 'kept alive')
      const index = await record.checkIndex(agent, url)
      await checkCollected(index.size)
      const everything = record.attempted(() => true)
      await record.checkFiles(agent, url, index, everything)
      await checkSignatures(agent, url)
      agent.destroy()
      await server.kill('SIGTERM')
      assert.deepEqual(await server.exited, { code: 0, signal: null })
    })
  }

  /** fsck is content, and gc leaves the blobs of the versions in the index and no other. */
  async function checkCollected(versions: number): Promise<void> {
    const sound = new RegExp(`^${versions} versions checked, 0 broken$`, 'm')
    assert.match(await run('fsck'), sound)
    for (const pass of ['first', 'second'])
      assert.match(await run('gc', '--grace', '0s'), /^\d+ blobs removed/m, pass)
    const catalog = await SqliteCatalog.open({
      file: join(installation.storage, 'catalog.db'),
      readonly: true,
    })
    const referenced = await collected(catalog.listReferencedBlobs())
    await catalog.close()
    const stored = (await filesBelow(join(installation.storage, 'blobs'))).map((file) =>
      parseDigest(file.slice(-64)),
    )
    assert.deepEqual(stored.sort(), referenced.sort())
    assert.match(await run('fsck'), sound)
  }

  async function run(command: string, ...flags: readonly string[]): Promise<string> {
    const program = ServerProcess.command(installation, command, ...flags)
    const { code } = await program.exited
    assert.equal(code, 0, program.output)
    return program.output
  }

  /** Where a 201 was for a provenance file, its signature is served, behind ours. */
  async function checkSignatures(agent: Agent, url: string): Promise<void> {
    const { publicKeyring } = await SigningKey.open({ armored: await testSigningKey() })
    const signed = record.acknowledged.filter((version) => version.signed)
    assert.ok(signed.length > 0)
    for (const { name, version, acknowledged = '' } of signed) {
      const filename = `${name}-${version}.tgz`
      const { bytes } = await exchange(agent, 'GET', `${url}/charts/${filename}.prov`)
      const { signers } = await verifyProvenance({
        provenance: bytes,
        filename,
        digest: parseDigest(acknowledged),
        trusted: publicKeyring.merge(publisherKey.publicKeyring),
      })
      assert.equal(signers[1]?.fingerprint, publisherKey.fingerprint, filename)
    }
  }
})
