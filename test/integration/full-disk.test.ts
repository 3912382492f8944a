import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { type Agent } from 'node:https'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chart } from '../support/chart-builder.ts'
import { agentOf, exchange, jsonOf, type Reply } from '../support/exchange.ts'
import { Installation } from '../support/installation.ts'
import { skipLoudly } from '../support/optional-tool.ts'
import { ServerProcess } from '../support/server-process.ts'

/** Mounts a small file system over the storage folder (`$0`), for the command in its arguments and nobody else. */
const ON_SMALL_DISK = 'mount -t tmpfs -o size=4m none "$0" && exec "$@"'

describe('a full disk', () => {
  let installation: Installation
  let server: ServerProcess
  let agent: Agent
  let url: string

  before(async function () {
    installation = await Installation.create()
    await mkdir(installation.storage)
    const wrapper: readonly string[] = ['unshare', '-rm', 'sh', '-c', ON_SMALL_DISK, installation.storage]
    const [command = '', ...args] = wrapper
    try {
      await promisify(execFile)(command, [...args, 'true'])
    } catch {
      await installation.remove()
      skipLoudly(this, 'no file system can be mounted here: a server on a full disk is not tried')
    }
    server = ServerProcess.serve(installation, wrapper)
    url = `https://localhost:${await server.port()}`
    agent = agentOf(installation.ca.certificatePem, await installation.admin(), 'kept alive')
  })

  after(async () => {
    // Where nothing can be mounted, there is no server.
    if ((server as ServerProcess | undefined) === undefined) return
    agent.destroy()
    await server.kill('SIGKILL')
    await installation.remove()
  })

  async function post(archive: Buffer): Promise<Reply> {
    return exchange(agent, 'POST', `${url}/api/charts`, { body: archive })
  }

  /** The storage folder as the server sees it. */
  function inside(...path: readonly string[]): string {
    return join('/proc', String(server.pid), 'root', installation.storage, ...path)
  }

  it('refuses what does not fit with 507, serves what is there, and takes charts again once there is room', async () => {
    await server.explaining(async () => {
      const small = await chart()
      assert.equal((await post(small)).status, 201)

      const big = await chart({ name: 'big', files: { 'noise.bin': randomBytes(4_500_000) } })
      const refused = await post(big)
      assert.equal(refused.status, 507)
      assert.equal(refused.reason, 'Insufficient Storage: the blob store has no room left on its disk')
      assert.equal(
        (await post(await chart({ version: '0.2.0' }))).status,
        201,
        'nothing of the big one is left',
      )

      const filler = inside('filler')
      await assert.rejects(writeFile(filler, Buffer.alloc(8_000_000)), { code: 'ENOSPC' })
      for (const version of ['0.3.0', '0.4.0']) {
        const reply = await post(await chart({ version }))
        assert.equal(reply.status, 507)
        assert.match(
          reply.reason,
          /^Insufficient Storage: the (blob store|catalog) has no room left on its disk$/,
        )
      }
      assert.deepEqual((await exchange(agent, 'GET', `${url}/charts/demo-0.1.0.tgz`)).bytes, small)
      const index = await exchange(agent, 'GET', `${url}/index.yaml`)
      assert.match(index.bytes.toString(), /"0\.2\.0"/)
      assert.doesNotMatch(index.bytes.toString(), /"0\.[34]\.0"|"big"/)

      await rm(filler)
      assert.equal((await post(await chart({ version: '0.3.0' }))).status, 201)
    })
  })

  it('refuses as ever while no refusal can be audited, and says that in the log', async () => {
    await server.explaining(async () => {
      const reader = agentOf(installation.ca.certificatePem, await installation.reader(), 'used once')
      const filler = inside('filler')
      await assert.rejects(writeFile(filler, Buffer.alloc(8_000_000)), { code: 'ENOSPC' })
      // Rows go on fitting into pages that are there already, for a while.
      for (let tries = 0; !server.output.includes('a refusal could not be audited'); tries += 1) {
        assert.ok(tries < 500, 'every refusal could be audited')
        const reply = await exchange(reader, 'POST', `${url}/api/charts`, { body: 'x' })
        assert.equal(reply.status, 403)
        assert.match(reply.reason, /^Forbidden: /)
      }
      assert.equal((await exchange(agent, 'GET', `${url}/index.yaml`)).status, 200)
      reader.destroy()
      await rm(filler)
    })
  })

  it('acknowledges what it can keep, and nothing else, while it fills up', async () => {
    await server.explaining(async () => {
      const acknowledged: string[] = []
      for (let refusals = 0, patch = 0; refusals < 10; patch += 1) {
        assert.ok(patch < 5000, 'the disk does not fill up')
        const version = `1.0.${patch}`
        const reply = await post(await chart({ version }))
        if (reply.status === 201) acknowledged.push(version)
        else assert.equal(reply.status, 507, reply.reason)
        refusals += reply.status === 507 ? 1 : 0
      }
      const index = await exchange(agent, 'GET', `${url}/index.yaml`)
      const { entries } = jsonOf(index) as { entries: Record<string, { version: string }[]> }
      const served = (entries['demo'] ?? []).map(({ version }) => version)
      assert.deepEqual(served.filter((version) => version.startsWith('1.')).sort(), acknowledged.sort())
      for (const version of acknowledged) {
        for (const suffix of ['tgz', 'tgz.prov']) {
          const reply = await exchange(agent, 'GET', `${url}/charts/demo-${version}.${suffix}`)
          assert.equal(reply.status, 200, version)
        }
      }
    })
  })
})
