import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runChartroom } from '../support/command-line.ts'
import { helmBinaries, runHelm, type HelmBinary } from '../support/helm-binaries.ts'
import { freePorts, Nginx } from '../support/nginx.ts'
import { requireTool, skipLoudly } from '../support/optional-tool.ts'
import { TestServer } from '../support/test-server.ts'

/** Packages of a public repository; not part of this one. */
const REAL_CHARTS = join(import.meta.dirname, '../../../shared/real-charts')
const HELM = 'helm-4-2'

describe('a mirror of the real charts behind nginx', function () {
  this.timeout(120_000)

  let server: TestServer
  let folder: string
  let nginx: Nginx | undefined
  let packages: readonly string[]

  before(async function () {
    if (!existsSync(REAL_CHARTS)) skipLoudly(this, 'no real charts beside the project: none is mirrored')
    requireTool(this, 'nginx', 'a mirror of a static file server')
    folder = await mkdtemp(join(tmpdir(), 'chartroom-mirror-'))
    // nginx's workers are nobody.
    await chmod(folder, 0o755)
    packages = (await readdir(REAL_CHARTS)).filter((name) => name.endsWith('.tgz'))
    const [port = 0] = await freePorts(1)
    nginx = await Nginx.start(await writeNginxConfig(port), [port])
    const upstream = {
      name: 'real',
      url: `http://127.0.0.1:${port}`,
      insecure: true,
      privateAddresses: ['127.0.0.0/8'],
    }
    const repositories = [{ name: 'mirror', mirror: { mode: 'sync', upstreams: [upstream] } }]
    server = await TestServer.start({ settings: { repositories } })
  })

  after(async () => {
    if (nginx === undefined) return
    await nginx.stop()
    await server.close()
    await rm(folder, { recursive: true })
  })

  async function writeNginxConfig(port: number): Promise<string> {
    await writeFile(join(folder, 'index.yaml'), await indexOfRealCharts())
    const config = join(folder, 'nginx.conf')
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${join(folder, kind)};`,
    )
    const lines = [
      'worker_processes 1;',
      `pid ${join(folder, 'nginx.pid')};`,
      'events {}',
      `http { access_log off; ${temporary.join(' ')}`,
      `  server { listen 127.0.0.1:${port};`,
      `    location = /index.yaml { root ${folder}; }`,
      `    location / { root ${REAL_CHARTS}; } } }`,
    ]
    await writeFile(config, lines.join('\n'))
    return config
  }

  /** As `helm repo index` writes it, which is what public repositories are made with. */
  async function indexOfRealCharts(): Promise<string> {
    const [helm] = helmBinaries().filter(({ name }) => name === HELM)
    assert.ok(helm)
    const work = await mkdtemp(join(folder, 'index-'))
    for (const name of packages) await cp(join(REAL_CHARTS, name), join(work, name))
    const { code, stderr } = await runHelm(helm, ['repo', 'index', work], { home: work })
    assert.equal(code, 0, stderr)
    return readFile(join(work, 'index.yaml'), 'utf8')
  }

  async function succeed(helm: HelmBinary, home: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runHelm(helm, args, { home })
    assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
    return stdout
  }

  it('has them all when upstream is gone, for real Helm to pull and verify', async () => {
    const config = ['--config', join(server.folder, 'chartroom.yaml')]
    const synced = await runChartroom(['mirror', 'sync', ...config])
    assert.equal(synced.code, 0, synced.stdout)
    assert.match(
      synced.stdout,
      new RegExp(`^mirror: ${packages.length} fetched, 0 unchanged, 0 held, 0 refused$`, 'm'),
    )
    await nginx?.stop()
    const fsck = await runChartroom(['fsck', ...config])
    assert.match(fsck.stdout, new RegExp(`^${packages.length} versions checked, 0 broken$`, 'm'))
    const { certFile, keyFile, caFile } = await (await server.reader()).write(join(folder, 'peer'), 'reader')
    const tls = ['--cert-file', certFile, '--key-file', keyFile, '--ca-file', caFile]
    const { bytes } = await server.request(await server.reader(), 'GET', '/mirror/keys/provenance.gpg')
    const keyring = join(folder, 'keyring.gpg')
    await writeFile(keyring, bytes)
    for (const helm of helmBinaries().filter(({ name }) => name === HELM)) {
      const home = await mkdtemp(join(folder, 'helm-'))
      await succeed(helm, home, 'repo', 'add', 'here', `${server.url}/mirror`, ...tls)
      const found = JSON.parse(
        await succeed(helm, home, 'search', 'repo', '--versions', '--devel', '-o', 'json'),
      ) as readonly { readonly name: string; readonly version: string }[]
      assert.equal(found.length, packages.length)
      for (const { name, version } of found) {
        await succeed(
          helm,
          home,
          'pull',
          name,
          '--version',
          version,
          '--verify',
          '--keyring',
          keyring,
          ...tls,
        )
      }
      const pulled = (await readdir(home)).filter((name) => name.endsWith('.tgz'))
      assert.deepEqual(pulled.toSorted(), packages.toSorted())
    }
  })
})
