import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChartroom } from '../support/command-line.ts'
import { helmBinaries, runHelm, type HelmBinary } from '../support/helm-binaries.ts'
import { skipLoudly } from '../support/optional-tool.ts'
import { TestServer } from '../support/test-server.ts'

/** Packages of a public repository; not part of this one. */
const REAL_CHARTS = join(import.meta.dirname, '../../../shared/real-charts')
const RELEASES = new Set(['helm-3-18', 'helm-4-2'])

interface Found {
  readonly name: string
  readonly version: string
}

describe('the real charts, imported leniently', () => {
  let server: TestServer
  let folder: string
  let packages: readonly string[]
  let keyring: string
  let tls: readonly string[]

  before(async function () {
    if (!existsSync(REAL_CHARTS)) skipLoudly(this, 'no real charts beside the project: none is imported')
    server = await TestServer.start()
    folder = await mkdtemp(join(tmpdir(), 'chartroom-real-'))
    packages = (await readdir(REAL_CHARTS)).filter((name) => name.endsWith('.tgz'))
    const config = ['--config', join(server.folder, 'chartroom.yaml')]
    const imported = await runChartroom(['import', REAL_CHARTS, '--repository', '/', '--lenient', ...config])
    assert.equal(imported.code, 0, imported.stdout)
    const counts = new RegExp(`^${packages.length} created, 0 unchanged, 0 refused, 21 of them lenient$`, 'm')
    assert.match(imported.stdout, counts)
    const fsck = await runChartroom(['fsck', ...config])
    assert.match(fsck.stdout, /^50 versions checked, 0 broken$/m)
    const { certFile, keyFile, caFile } = await (await server.reader()).write(join(folder, 'peer'), 'reader')
    tls = ['--cert-file', certFile, '--key-file', keyFile, '--ca-file', caFile]
    keyring = join(folder, 'keyring.gpg')
    const { bytes } = await server.request(await server.reader(), 'GET', '/keys/provenance.gpg')
    await writeFile(keyring, bytes)
  })

  after(async () => {
    if (!existsSync(REAL_CHARTS)) return
    await server.close()
    await rm(folder, { recursive: true })
  })

  async function succeed(helm: HelmBinary, home: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runHelm(helm, args, { home })
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }

  for (const helm of helmBinaries().filter(({ name }) => RELEASES.has(name))) {
    it(`are read by Helm ${helm.version}, every package pullable and verifiable`, async () => {
      const home = await mkdtemp(join(folder, 'helm-'))
      await succeed(helm, home, 'repo', 'add', 'here', server.url, ...tls)
      const listing = await succeed(helm, home, 'search', 'repo', '--versions', '--devel', '-o', 'json')
      const found = JSON.parse(listing) as readonly Found[]
      assert.equal(found.length, packages.length)
      for (const { name, version } of found) {
        const verify = ['--verify', '--keyring', keyring, ...tls]
        await succeed(helm, home, 'pull', name, '--version', version, ...verify)
      }
      const pulled = (await readdir(home)).filter((name) => name.endsWith('.tgz'))
      assert.deepEqual(pulled.toSorted(), packages.toSorted())
    }).timeout(120_000)
  }
})
