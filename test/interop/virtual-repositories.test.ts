import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chart, type ChartSource } from '../support/chart-builder.ts'
import { helmBinaries, runHelm, type HelmRun } from '../support/helm-binaries.ts'
import { makeKey } from '../support/openpgp-keys.ts'
import { TestServer } from '../support/test-server.ts'

/** One release of each generation: what differs between the others is tried elsewhere. */
const helms = helmBinaries().filter(({ name }) => name === 'helm-3-18' || name === 'helm-4-2')

/** Each member has a key of its own; there is none of the virtual repository. */
describe('a virtual repository with real Helm', () => {
  let server: TestServer
  let home: string
  let keyring: string
  let tls: readonly string[]

  before(async () => {
    const [local, mirror] = [await makeKey(), await makeKey()]
    server = await TestServer.start({
      settings: {
        repositories: [
          { name: 'local', signing: { keyData: local } },
          { name: 'mirror', signing: { keyData: mirror } },
          { name: 'all', virtual: ['local', 'mirror'] },
        ],
      },
    })
    home = await mkdtemp(join(tmpdir(), 'chartroom-virtual-'))
    await publish('local', { name: 'own', version: '1.0.0' })
    await publish('local', { name: 'shared', version: '1.0.0' })
    await publish('mirror', { name: 'nginx', version: '2.0.0' })
    await publish('mirror', { name: 'shared', version: '99.0.0' })
    const peer = await server.reader()
    const { certFile, keyFile } = await peer.write(join(home, 'peers'), 'reader')
    const ca = join(server.config.certs, 'ca.crt')
    tls = ['--cert-file', certFile, '--key-file', keyFile, '--ca-file', ca]
    keyring = join(home, 'all.gpg')
    const { status, bytes } = await server.request(peer, 'GET', '/all/keys/provenance.gpg')
    assert.equal(status, 200)
    await writeFile(keyring, bytes)
  })

  after(async () => {
    await server.close()
    await rm(home, { recursive: true })
  })

  async function publish(repository: string, source: ChartSource): Promise<void> {
    const body = await chart(source)
    const path = `/api/${repository}/charts`
    const { status, reason } = await server.request(await server.admin(), 'POST', path, { body })
    assert.equal(status, 201, reason)
  }

  for (const helm of helms) {
    describe(`${helm.name} (${helm.version})`, () => {
      let own: string

      before(async () => {
        own = await mkdtemp(join(home, `${helm.name}-`))
        await succeed('repo', 'add', 'all', `${server.url}/all`, ...tls)
      })

      async function run(...args: readonly string[]): Promise<HelmRun> {
        return runHelm(helm, args, { home: own })
      }

      async function succeed(...args: readonly string[]): Promise<string> {
        const { code, stdout, stderr } = await run(...args)
        assert.equal(code, 0, stderr)
        return stdout
      }

      it('finds the charts of all members, a name that two of them have once', async () => {
        const found = JSON.parse(await succeed('search', 'repo', 'all/', '--versions', '-o', 'json')) as {
          name: string
          version: string
        }[]
        assert.deepEqual(found.map(({ name, version }) => `${name} ${version}`).toSorted(), [
          'all/nginx 2.0.0',
          'all/own 1.0.0',
          'all/shared 1.0.0',
        ])
      })

      for (const name of ['own', 'nginx', 'shared']) {
        it(`pulls and verifies ${name} with the keyring that is handed out`, async () => {
          await succeed('pull', `all/${name}`, '--verify', '--keyring', keyring)
        })
      }

      it('does not get the later member’s version of a name', async () => {
        const { code } = await run('pull', 'all/shared', '--version', '99.0.0')
        assert.notEqual(code, 0)
      })
    })
  }
})
