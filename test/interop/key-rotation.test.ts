import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Keyring } from '../../src/provenance/keyring.ts'
import { chart } from '../support/chart-builder.ts'
import { runChartroom } from '../support/command-line.ts'
import { eventually } from '../support/eventually.ts'
import { helmBinaries, runHelm, type HelmBinary, type HelmRun } from '../support/helm-binaries.ts'
import { TestServer } from '../support/test-server.ts'

const helms = helmBinaries()

describe('signing keys over years, with real Helm', () => {
  let server: TestServer
  let home: string
  let old: string
  /** What somebody in the middle has kept from before. */
  let kept: { readonly archive: Buffer; readonly provenance: Buffer }

  before(async () => {
    server = await TestServer.start()
    home = await mkdtemp(join(tmpdir(), 'chartroom-keys-'))
    await publish('0.1.0')
    kept = {
      archive: await get('/charts/demo-0.1.0.tgz'),
      provenance: await get('/charts/demo-0.1.0.tgz.prov'),
    }
    old = (await handedOut()).fingerprints[0] ?? ''
  })

  after(async () => {
    await server.close()
    await rm(home, { recursive: true })
  })

  async function get(path: string): Promise<Buffer> {
    const { status, reason, bytes } = await server.request(await server.reader(), 'GET', path)
    assert.equal(status, 200, reason)
    return bytes
  }

  async function publish(version: string): Promise<void> {
    const body = await chart({ version })
    const { status, reason } = await server.request(await server.admin(), 'POST', '/api/charts', { body })
    assert.equal(status, 201, reason)
  }

  async function handedOut(): Promise<Keyring> {
    return Keyring.parse(await get('/keys/provenance.gpg'))
  }

  /** While the server runs. */
  async function chartroom(...args: readonly string[]): Promise<void> {
    const { code, stderr } = await runChartroom([...args, '--config', join(server.folder, 'chartroom.yaml')])
    assert.equal(code, 0, stderr)
  }

  async function saveKeyring(name: string): Promise<string> {
    const file = join(home, name)
    await writeFile(file, await get('/keys/provenance.gpg'))
    return file
  }

  async function pullVerified(helm: HelmBinary, version: string, keyring: string): Promise<void> {
    const own = await mkdtemp(join(home, `${helm.name}-`))
    const peer = await (await server.reader()).write(join(home, 'peers'), 'reader')
    const tls = ['--cert-file', peer.certFile, '--key-file', peer.keyFile]
    const run = await runHelm(
      helm,
      [
        ...['pull', 'demo', '--repo', server.url, '--version', version, '--verify', '--keyring', keyring],
        ...['--ca-file', join(server.config.certs, 'ca.crt'), ...tls],
      ],
      { home: own },
    )
    assert.equal(run.code, 0, run.stderr)
  }

  async function verifyKept(helm: HelmBinary, keyring: string): Promise<HelmRun> {
    const own = await mkdtemp(join(home, `${helm.name}-`))
    const file = join(own, 'demo-0.1.0.tgz')
    await writeFile(file, kept.archive)
    await writeFile(`${file}.prov`, kept.provenance)
    return runHelm(helm, ['verify', file, '--keyring', keyring], { home: own })
  }

  describe('after a rotation', () => {
    let keyring: string

    before(async () => {
      await chartroom('key', 'rotate')
      await eventually(async () => {
        const [current, older] = (await handedOut()).fingerprints
        assert.notEqual(current, old)
        assert.equal(older, old)
      })
      await publish('0.2.0')
      keyring = await saveKeyring('rotated.gpg')
    })

    for (const helm of helms) {
      it(`${helm.name} verifies old and new versions with the keyring that is handed out`, async () => {
        for (const version of ['0.1.0', '0.2.0']) await pullVerified(helm, version, keyring)
        const { code, stderr } = await verifyKept(helm, keyring)
        assert.equal(code, 0, stderr)
      })
    }
  })

  describe('after a compromise', () => {
    let keyring: string

    before(async () => {
      await chartroom('key', 'resign', '--signed-by', old)
      await chartroom('key', 'revoke', old)
      await eventually(async () => {
        const keys = await (await handedOut()).describe(new Date())
        assert.deepEqual(
          keys.map(({ state }) => state),
          ['valid', 'revoked'],
        )
      })
      keyring = await saveKeyring('revoked.gpg')
      await chartroom('fsck')
    })

    for (const helm of helms) {
      it(`${helm.name} verifies every version, and no longer what the old key has signed`, async () => {
        for (const version of ['0.1.0', '0.2.0']) await pullVerified(helm, version, keyring)
        const { code, stderr } = await verifyKept(helm, keyring)
        assert.notEqual(code, 0)
        assert.match(stderr, /unknown entity|made by revoked key/)
      })
    }
  })
})
