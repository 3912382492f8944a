import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { dump, load } from 'js-yaml'
import { pino } from 'pino'
import { loadConfig } from '../../src/config/load.ts'
import { Supervisor } from '../../src/processes/supervisor.ts'
import { chart } from '../support/chart-builder.ts'
import { runChartroom } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { Installation } from '../support/installation.ts'
import { filesBelow } from '../support/leftovers.ts'
import { ServerProcess } from '../support/server-process.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { isRunning, type WorkerConnection, WorkersServer } from '../support/workers.ts'

const ROUNDS = 24

describe('several workers', () => {
  let installation: Installation
  let server: WorkersServer
  let admin: TestPeer

  let connections: readonly WorkerConnection[]

  before(async () => {
    installation = await Installation.create({ settings: { workers: 2 } })
    admin = await installation.admin()
    await start()
  })

  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(`The server printed:\n${server.process.output}`)
  })

  after(async () => {
    await server.kill()
    await installation.remove()
  })

  async function start(): Promise<void> {
    server = new WorkersServer(installation)
    await server.process.port()
    connections = await server.reach(admin, 2)
  }

  async function publish(connection: WorkerConnection | undefined, version: string): Promise<void> {
    const reply = await connection?.request('POST', '/api/charts', { body: await chart({ version }) })
    assert.equal(reply?.status, 201, reply?.reason)
  }

  async function statusOn(connection: WorkerConnection): Promise<number | 'cut'> {
    return connection.request('GET', '/index.yaml').then(
      ({ status }) => status,
      () => 'cut',
    )
  }

  it('show what one has published at once, archive and provenance too', async () => {
    for (let round = 0; round < ROUNDS; round += 1) {
      const version = `1.${round}.0`
      await publish(connections[round % connections.length], version)
      for (const connection of connections) {
        const index = await connection.request('GET', '/index.yaml')
        assert.ok(index.bytes.includes(`demo-${version}.tgz`), version)
        for (const name of [`demo-${version}.tgz`, `demo-${version}.tgz.prov`])
          assert.equal((await connection.request('GET', `/charts/${name}`)).status, 200, name)
      }
    }
    await connections[0]?.request('DELETE', '/api/charts/demo/1.0.0')
    for (const connection of connections)
      assert.equal((await connection.request('GET', '/charts/demo-1.0.0.tgz')).status, 404)
  })

  it('are counted together', async () => {
    const before = await server.metric('chartroom_requests_total')
    for (const connection of connections)
      for (let round = 0; round < 5; round += 1) assert.equal(await statusOn(connection), 200)
    assert.equal(await server.metric('chartroom_requests_total'), before + 5 * connections.length)
    const ready = await server.ops('/readyz')
    assert.match(ready.text, /"workers":\{"ready":2,"expected":2\}/)
    const { inputs } = JSON.parse(ready.text) as { inputs: readonly { name: string }[] }
    assert.equal(inputs.length, new Set(inputs.map(({ name }) => name)).size)
    assert.match((await server.ops('/metrics')).text, /^process_start_time_seconds \d+$/m)
  })

  it('are replaced and counted when they crash, and nobody else notices', async () => {
    const [victim, witness] = connections
    assert.ok(victim !== undefined && witness !== undefined)
    const requests = await server.metric('chartroom_requests_total')
    const load = { on: true, statuses: new Set<number | 'cut'>() }
    const loading = (async () => {
      while (load.on) load.statuses.add(await statusOn(witness))
    })()
    process.kill(victim.pid, 'SIGKILL')
    await eventually(async () => {
      assert.equal((await server.ops('/readyz')).status, 503)
    })
    assert.ok((await server.metric('chartroom_requests_total')) >= requests, 'no total falls')
    await eventually(() => {
      assert.equal(server.pids.length, 3)
    })
    load.on = false
    await loading
    assert.deepEqual([...load.statuses], [200])
    connections = await server.reach(admin, 2)
    assert.ok(connections.every(({ pid }) => pid !== victim.pid))
    await publish(connections[0], '2.0.0')
    for (const connection of connections)
      assert.equal((await connection.request('GET', '/charts/demo-2.0.0.tgz')).status, 200)
    assert.equal(await server.metric('chartroom_worker_restarts_total'), 1)
    assert.equal(await server.metric('chartroom_workers'), 2)
    assert.equal((await server.ops('/readyz')).status, 200)
  })

  it('refuse a certificate that was revoked, each of them, also on open connections', async () => {
    const reader = await installation.reader()
    const reading = await server.reach(reader, 2)
    assert.deepEqual(await Promise.all(reading.map(statusOn)), [200, 200])
    const file = join(installation.folder, 'reader.crt')
    await writeFile(file, reader.cert)
    const revoking = ['cert', 'revoke', '--file', file, '--config', installation.configFile]
    const { code, stderr } = await runChartroom(revoking)
    assert.equal(code, 0, stderr)
    await eventually(async () => {
      for (const connection of reading) assert.notEqual(await statusOn(connection), 200)
    })
  })

  it('read the configuration again, each of them, and drain together', async () => {
    const settings = load(await readFile(installation.configFile, 'utf8')) as Record<string, unknown>
    const access = [{ who: { cn: 'somebody' }, may: ['read'], repositories: 'all' }]
    await writeFile(installation.configFile, dump({ ...settings, access, workers: 3 }))
    process.kill(server.process.pid, 'SIGHUP')
    await eventually(async () => {
      assert.deepEqual(await Promise.all(connections.map(statusOn)), [403, 403])
    })
    assert.match(
      server.process.output,
      /"settings":\["workers"\],"msg":"changed settings that take a restart"/,
    )
    await server.process.kill('SIGTERM')
    assert.deepEqual(await server.process.exited, { code: 0, signal: null })
    assert.equal(server.process.output.match(/is replaced/g)?.length, 1)
    assert.deepEqual(await filesBelow(join(installation.storage, 'tmp')), [])
    await writeFile(installation.configFile, dump(settings))
  })

  it('do not outlive the process that was started', async () => {
    await start()
    process.kill(server.process.pid, 'SIGKILL')
    await eventually(() => {
      assert.deepEqual(server.pids.filter(isRunning), [])
    })
  })
})

describe('several workers that cannot start', () => {
  let installation: Installation

  beforeEach(async () => {
    installation = await Installation.create({ settings: { workers: 2 } })
  })

  afterEach(async () => {
    await installation.remove()
  })

  async function refusal(): Promise<string> {
    const server = ServerProcess.serve(installation)
    assert.notEqual((await server.exited).code, 0)
    return server.output
  }

  it('say why, once', async () => {
    await writeFile(join(installation.folder, 'certs', 'server.crt'), 'broken')
    assert.equal((await refusal()).match(/no PEM certificate/g)?.length, 1)
  })

  it('share their port with no other server', async () => {
    const other = createServer().listen({ host: '127.0.0.1', port: 0, reusePort: true })
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const settings = load(await readFile(installation.configFile, 'utf8')) as Record<string, unknown>
    await writeFile(installation.configFile, dump({ ...settings, listen: `127.0.0.1:${port}` }))
    try {
      assert.match(await refusal(), new RegExp(`cannot listen on 127.0.0.1:${port}: .*EADDRINUSE`))
    } finally {
      other.close()
    }
  })
})

describe('a worker that hangs', () => {
  const PULSE = { everyMs: 300, mostMissed: 4 }

  it('is killed, replaced and counted', async () => {
    const installation = await Installation.create({ settings: { workers: 2 } })
    const lines: string[] = []
    const log = pino({ base: null }, { write: (line) => lines.push(line) })
    const flags = { config: installation.configFile }
    const config = await loadConfig(flags, {})
    const supervisor = await Supervisor.start({ config, flags, log, pulse: PULSE })
    const logged = (msg: string): readonly number[] =>
      lines
        .map((line) => JSON.parse(line) as { readonly pid: number; readonly msg: string })
        .filter((line) => line.msg === msg)
        .map(({ pid }) => pid)
    try {
      const [victim = 0, witness = 0] = logged('a worker serves')
      assert.ok(isRunning(victim) && isRunning(witness))
      process.kill(victim, 'SIGSTOP')
      await eventually(() => {
        assert.deepEqual(logged('a worker does not answer and is killed'), [victim])
      })
      await eventually(() => {
        assert.equal(logged('a worker serves').length, 3)
      })
      assert.deepEqual(logged('a worker ended and is replaced'), [victim])
      assert.ok(isRunning(witness) && !isRunning(victim))
      const metrics = await (await fetch(`http://127.0.0.1:${supervisor.opsPort}/metrics`)).text()
      assert.match(metrics, /^chartroom_worker_restarts_total 1$/m)
    } finally {
      await supervisor.close()
      await installation.remove()
    }
  })
})
