import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { startServer, type RunningServer } from '../../src/app/server.ts'
import { loadConfig } from '../../src/config/load.ts'
import { chart } from '../support/chart-builder.ts'
import { runChartroom, type CommandResult } from '../support/command-line.ts'
import { agentOf, exchange, type Reply } from '../support/exchange.ts'
import { helmBinaries, runHelm } from '../support/helm-binaries.ts'
import { Installation } from '../support/installation.ts'
import { filesBelow } from '../support/leftovers.ts'
import { type TestPeer } from '../support/test-ca.ts'

describe('backup and restore', () => {
  let installation: Installation
  let admin: TestPeer
  let folder: string
  let backup: string
  let restored: string
  let running: RunningServer[]

  beforeEach(async () => {
    installation = await Installation.create({ settings: { repositories: [{ name: 'team-a' }] } })
    admin = await installation.admin()
    folder = await mkdtemp(join(tmpdir(), 'chartroom-backup-'))
    backup = join(folder, 'backup')
    restored = join(folder, 'restored')
    running = []
  })

  afterEach(async () => {
    for (const server of running) await server.close()
    await installation.remove()
    await rm(folder, { recursive: true })
  })

  /** On the configured storage unless another is named. Returns its URL. */
  async function serve(storage?: string): Promise<string> {
    const flags = { config: installation.configFile, ...(storage !== undefined && { storage }) }
    const deps = { log: pino({ level: 'silent' }), now: () => new Date() }
    const server = await startServer(() => loadConfig(flags, {}), deps)
    running.push(server)
    return `https://localhost:${server.port}`
  }

  async function ask(method: string, url: string, body?: Buffer): Promise<Reply> {
    const agent = agentOf(installation.ca.certificatePem, admin, 'used once')
    try {
      return await exchange(agent, method, url, body === undefined ? {} : { body })
    } finally {
      agent.destroy()
    }
  }

  async function publish(url: string, version: string, name = 'demo'): Promise<void> {
    const { status, reason } = await ask('POST', `${url}/api/team-a/charts`, await chart({ name, version }))
    assert.equal(status, 201, reason)
  }

  async function run(...args: readonly string[]): Promise<CommandResult> {
    return runChartroom([...args, '--config', installation.configFile])
  }

  async function succeed(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run(...args)
    assert.equal(code, 0, stdout + stderr)
    return stdout
  }

  it('the drill: backed up under load, restored elsewhere, checked, and pulled from by real Helm', async () => {
    const url = await serve()
    for (const patch of [1, 2, 3]) await publish(url, `1.0.${patch}`)
    let stop = false
    const load = async (name: string): Promise<number> => {
      let count = 0
      for (; !stop; count += 1) {
        await publish(url, `0.0.${count}`, name)
        // What is purged while its blobs are being copied must not be missed in the backup.
        if (count % 3 === 2) await succeed('purge', name, `0.0.${count}`, '--everywhere', '--reason', 'load')
      }
      return count
    }
    const loads = [load('a'), load('b')]
    assert.match(await succeed('backup', backup), /blobs copied, 0 there already/)
    assert.match(await succeed('backup', backup), /blobs copied, [1-9]\d* there already/)
    stop = true
    assert.ok((await Promise.all(loads)).every((count) => count > 0))

    const report = await succeed('restore', backup, '--storage', restored)
    assert.match(report, / blobs restored to .*, as of 20.*\n\d+ versions checked, 0 broken\n$/)
    const copy = await serve(restored)
    const before = await ask('GET', `${url}/team-a/index.yaml`)
    const after = await ask('GET', `${copy}/team-a/index.yaml`)
    assert.notEqual(before.headers.etag?.split('.')[0], after.headers.etag?.split('.')[0], 'another epoch')

    const home = join(folder, 'home')
    await mkdir(home)
    const files = await admin.write(home, 'admin')
    const flags = ['--ca-file', join(installation.folder, 'certs/ca.crt')]
    flags.push('--cert-file', files.certFile, '--key-file', files.keyFile)
    const keyring = join(home, 'keyring.gpg')
    await writeFile(keyring, (await ask('GET', `${copy}/team-a/keys/provenance.gpg`)).bytes)
    for (const helm of helmBinaries()) {
      const where = ['--repo', `${copy}/team-a`, ...flags, '-d', home]
      const pull = ['pull', 'demo', '--version', '1.0.2', '--verify', '--keyring', keyring, ...where]
      const { code, stderr } = await runHelm(helm, pull, { home })
      assert.equal(code, 0, stderr)
    }
  })

  it('keeps the earlier backup until the next one is whole, and then only what that names', async () => {
    const url = await serve()
    await publish(url, '1.0.0')
    await publish(url, '2.0.0')
    await succeed('backup', backup)
    const [first] = await catalogs()
    await ask('DELETE', `${url}/api/team-a/charts/demo/1.0.0`)
    assert.match(
      await succeed('backup', backup),
      /^0 blobs copied, 2 there already, 2 of older backups removed$/m,
    )
    const [second, ...others] = await catalogs()
    assert.notEqual(second, first)
    assert.deepEqual(others, [])
    assert.equal((await filesBelow(join(backup, 'blobs'))).length, 2)
    assert.equal((await stat(join(backup, second ?? ''))).mode & 0o777, 0o600)
  })

  it('copies no key unless told to, and then for nobody else to read, and says so', async () => {
    await serve()
    assert.doesNotMatch(await succeed('backup', backup), /PRIVATE/)
    assert.equal((await readdir(backup)).includes('certs'), false)
    assert.match(
      await succeed('backup', backup, '--with-certs'),
      /^PRIVATE KEYS are in .*certs: keep it as safe/,
    )
    const copied = await filesBelow(join(backup, 'certs'))
    assert.deepEqual(copied, await filesBelow(join(installation.folder, 'certs')))
    for (const name of copied) assert.equal((await stat(join(backup, 'certs', name))).mode & 0o777, 0o600)
    await succeed('restore', backup, '--storage', restored)
  })

  it('refuses what is no finished backup, and what has changed since, and leaves no storage behind', async () => {
    await publish(await serve(), '1.0.0')
    await refused(/holds no finished backup: there is no backup\.json/)
    await succeed('backup', backup)
    const [blob = ''] = await filesBelow(join(backup, 'blobs'))
    const path = join(backup, 'blobs', blob)
    const bytes = await readFile(path)
    await truncate(path, 10)
    await refused(/has other bytes/)
    await rm(path)
    await refused(/the backup lacks 1 blobs/)
    await writeFile(path, bytes)
    const catalog = join(backup, (await catalogs())[0] ?? '')
    await writeFile(catalog, Buffer.concat([await readFile(catalog), Buffer.from('x')]))
    await refused(/has other bytes than when it was written/)
    await writeFile(join(backup, 'backup.json'), '{}')
    await refused(/is not one that this version can read/)
    assert.deepEqual(await filesBelow(restored), [])
  })

  it('refuses a storage that is not empty, and folders that are not for backups', async () => {
    await serve()
    await succeed('backup', backup)
    const over = await run('restore', backup)
    assert.equal(over.code, 2)
    assert.match(over.stderr, /the storage .* is not empty: restore into a new one/)
    for (const [target, text] of [
      [installation.storage, /the storage is no folder for its backup/],
      [installation.folder, /holds other files than a backup/],
    ] as const) {
      const { code, stderr } = await run('backup', target)
      assert.equal(code, 2)
      assert.match(stderr, text)
    }
  })

  it('fails where a blob is gone that the catalog goes on naming', async () => {
    await publish(await serve(), '1.0.0')
    const [blob = ''] = await filesBelow(join(installation.storage, 'blobs'))
    await rm(join(installation.storage, 'blobs', blob))
    const { code, stderr } = await run('backup', backup)
    assert.equal(code, 1)
    assert.match(stderr, /the catalog names 1 blobs that are gone, such as [0-9a-f]{64}: run fsck/)
    await refused(/holds no finished backup/)
  })

  async function refused(text: RegExp): Promise<void> {
    const { code, stderr } = await run('restore', backup, '--storage', restored)
    assert.notEqual(code, 0)
    assert.match(stderr, text)
  }

  async function catalogs(): Promise<readonly string[]> {
    return (await readdir(backup)).filter((name) => name.startsWith('catalog-'))
  }
})
