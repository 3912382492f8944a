import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { dump, load } from 'js-yaml'
import { eventually } from '../support/eventually.ts'
import { DEFAULT_ACCESS } from '../support/installation.ts'
import { agentOf, exchange } from '../support/exchange.ts'
import { TestCa, type TestPeer } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'

describe('reloading', () => {
  let server: TestServer
  let reader: TestPeer

  beforeEach(async () => {
    server = await TestServer.start()
    reader = await server.reader()
  })

  afterEach(async () => {
    await server.close()
  })

  function inCerts(name: string): string {
    return join(server.config.certs, name)
  }

  /** The serial number of the certificate that a new connection is shown. */
  async function servedSerial(): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: 'localhost', port: server.port, ca: server.ca.certificatePem }, () => {
        resolve(socket.getPeerX509Certificate()?.serialNumber ?? '')
        socket.destroy()
      })
      socket.once('error', reject)
    })
  }

  async function replaceServerCertificate(): Promise<string> {
    const { cert, key } = await server.ca.server()
    await writeFile(inCerts('server.key'), key)
    await writeFile(inCerts('server.crt'), cert)
    return new X509Certificate(cert).serialNumber
  }

  async function status(peer = reader, path = '/index.yaml'): Promise<number> {
    return (await server.request(peer, 'GET', path)).status
  }

  async function inputs(): Promise<Readonly<Record<string, string | undefined>>> {
    const reply = await fetch(`${server.opsUrl}/readyz`)
    const body = (await reply.json()) as { inputs: readonly { name: string; error?: string }[] }
    assert.equal(reply.status, 200)
    return Object.fromEntries(body.inputs.map(({ name, error }) => [name, error]))
  }

  async function writeSettings(changes: Readonly<Record<string, unknown>>): Promise<void> {
    const file = server.config.file ?? ''
    const settings = load(await readFile(file, 'utf8')) as Record<string, unknown>
    await writeFile(file, dump({ ...settings, ...changes }))
  }

  it('shows new connections the server certificate that its file holds now', async () => {
    const serial = await replaceServerCertificate()
    await eventually(async () => {
      assert.equal(await servedSerial(), serial)
    })
  })

  it('keeps the old certificate where the new one is broken, says so, and takes it once it is whole', async () => {
    const before = await servedSerial()
    await writeFile(inCerts('server.crt'), 'broken')
    await server.reload()
    assert.equal(await servedSerial(), before)
    assert.match((await inputs())['server certificate'] ?? '', /no PEM certificate/)
    assert.match(await (await fetch(`${server.opsUrl}/metrics`)).text(), RELOAD_FAILED)
    assert.ok(server.logLines.some((line) => line.includes('the earlier state stays in force')))
    const serial = await replaceServerCertificate()
    await server.reload()
    assert.equal(await servedSerial(), serial)
    assert.equal((await inputs())['server certificate'], undefined)
  })

  it('keeps the old pair while key and certificate do not belong together', async () => {
    const before = await servedSerial()
    await writeFile(inCerts('server.key'), (await server.ca.server()).key)
    await server.reload()
    assert.equal(await servedSerial(), before)
    assert.match((await inputs())['server certificate'] ?? '', /does not belong to its key/)
  })

  it('puts changed grants in force, and keeps them when the file is broken', async () => {
    assert.equal(await status(), 200)
    await writeSettings({ access: [{ who: { cn: 'somebody' }, may: ['read'], repositories: 'all' }] })
    await eventually(async () => {
      assert.equal(await status(), 403)
    })
    await writeFile(server.config.file ?? '', 'access: everybody\n')
    await server.reload()
    assert.equal(await status(), 403)
    assert.match((await inputs())['configuration'] ?? '', /access/)
    await writeFile(server.config.file ?? '', '')
    await server.reload()
    assert.match((await inputs())['configuration'] ?? '', /has no grants under "access"/)
    await writeFile(server.config.file ?? '', dump({ access: DEFAULT_ACCESS }))
    await server.reload()
    assert.equal(await status(), 200)
    assert.ok(server.logLines.some((line) => line.includes('changed settings that take a restart')))
  })

  it('trusts a CA that is added and no longer one that is taken away, on open connections too', async () => {
    const company = await TestCa.create({ name: 'Company' })
    const newcomer = await company.client({ cn: 'reader' })
    assert.equal(await status(newcomer), 403)
    const agent = agentOf(server.ca.certificatePem, reader, 'kept alive')
    const onOpenConnection = async (): Promise<number> =>
      (await exchange(agent, 'GET', `${server.url}/index.yaml`)).status
    assert.equal(await onOpenConnection(), 200)

    await writeFile(inCerts('ca.crt'), server.ca.certificatePem + company.certificatePem)
    await server.reload()
    assert.deepEqual([await status(newcomer), await status(), await onOpenConnection()], [200, 200, 200])

    await writeFile(inCerts('ca.crt'), company.certificatePem)
    await server.reload()
    assert.deepEqual([await status(newcomer), await status(), await onOpenConnection()], [200, 403, 403])
    agent.destroy()

    await writeFile(inCerts('ca.crt'), 'broken')
    await server.reload()
    assert.deepEqual([await status(newcomer), await status()], [200, 403])
  })

  it('follows the link that Kubernetes swaps when a Secret changes', async () => {
    const mount = join(server.folder, 'mount')
    const mounted = async (version: string): Promise<string> => {
      const { cert, key } = await server.ca.server()
      await mkdir(join(mount, version), { recursive: true })
      await writeFile(join(mount, version, 'tls.crt'), cert)
      await writeFile(join(mount, version, 'tls.key'), key, { mode: 0o640 })
      await symlink(version, join(mount, '..data_tmp'))
      await rename(join(mount, '..data_tmp'), join(mount, '..data'))
      return new X509Certificate(cert).serialNumber
    }
    const first = await mounted('..1')
    for (const name of ['tls.crt', 'tls.key']) await symlink(join('..data', name), join(mount, name))
    await writeSettings({ tls: { certificate: join(mount, 'tls.crt'), key: join(mount, 'tls.key') } })
    await server.reload()
    assert.equal(await servedSerial(), first)
    const second = await mounted('..2')
    await rm(join(mount, '..1'), { recursive: true })
    await eventually(async () => {
      assert.equal(await servedSerial(), second)
    })
  })

  it('tells of a broken file once, and is not stirred by others beside it', async () => {
    await writeFile(server.config.file ?? '', 'access: [')
    const errors = () => server.logLines.filter((line) => line.includes('the earlier state stays in force'))
    await eventually(async () => {
      assert.equal(errors().length, 1)
      return Promise.resolve()
    })
    for (let count = 0; count < 5; count += 1) {
      await writeFile(join(server.folder, 'server.log'), `line ${count}`)
      await server.reload()
    }
    assert.equal(errors().length, 1)
  })

  it('tells when things expire', async () => {
    const metrics = await (await fetch(`${server.opsUrl}/metrics`)).text()
    assert.match(metrics, /chartroom_expiry_timestamp_seconds\{what="server certificate"\} \d+/)
    assert.match(metrics, /chartroom_expiry_timestamp_seconds\{what="trust anchor built-in"\} \d+/)
  })

  it('loses no request and lets nobody in wrongly during a storm of reloads', async () => {
    const stranger = await (await TestCa.create({ name: 'Built-in' })).client({ cn: 'reader' })
    const agent = agentOf(server.ca.certificatePem, reader, 'kept alive')
    let storming = true
    const outcomes: Record<string, number> = {}
    const count = (who: string, reply: number): void => {
      outcomes[`${who} ${reply}`] = (outcomes[`${who} ${reply}`] ?? 0) + 1
    }
    const load = async (who: string, ask: () => Promise<number>): Promise<void> => {
      while (storming) count(who, await ask())
    }
    const loads = [
      load('fresh', () => status()),
      load('kept alive', async () => (await exchange(agent, 'GET', `${server.url}/index.yaml`)).status),
      load('kept alive', async () => (await exchange(agent, 'GET', `${server.url}/index.yaml`)).status),
      load('stranger', () => status(stranger)),
    ]
    for (let round = 0; round < 10; round += 1) {
      const extra = await TestCa.create({ name: `Extra ${round}` })
      await writeFile(inCerts('ca.crt'), server.ca.certificatePem + extra.certificatePem)
      await writeFile(inCerts('server.crt'), 'broken')
      await server.reload()
      await replaceServerCertificate()
      await writeSettings({
        access: [...DEFAULT_ACCESS, { who: { cn: `x${round}` }, may: ['read'], repositories: 'all' }],
      })
      await server.reload()
    }
    storming = false
    await Promise.all(loads)
    agent.destroy()
    assert.deepEqual(Object.keys(outcomes).sort(), ['fresh 200', 'kept alive 200', 'stranger 403'])
  })
})

const RELOAD_FAILED = /chartroom_reloads_total\{input="server certificate",outcome="failed"\} [1-9]/
