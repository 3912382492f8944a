import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { chart } from '../support/chart-builder.ts'
import { eventually } from '../support/eventually.ts'
import { helmBinaries, runHelm, type HelmBinary } from '../support/helm-binaries.ts'
import { checkNginxConfig, freePorts, Nginx } from '../support/nginx.ts'
import { requireTool, skipWithoutTool } from '../support/optional-tool.ts'
import { TestCa, type TestPeer } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'

const EXAMPLE = join(import.meta.dirname, '../../nginx.example.conf')
const ARCHIVE = '/charts/demo-0.1.0.tgz'
const EXPORTED = ['/index.yaml', ARCHIVE, `${ARCHIVE}.prov`, '/keys/provenance.gpg']

/** From which nginx connects here, so that this test can do without nginx where it wants to. */
const NGINX_ADDRESS = '127.0.0.3'

const run = promisify(execFile)

interface CurlReply {
  readonly status: number
  readonly reason: string
  readonly bytes: Buffer
}

describe('nginx.example.conf, with real nginx', () => {
  let server: TestServer
  let folder: string
  let config: string
  let nginx: Nginx | undefined
  let passthrough: string
  let copy: string

  before(async function () {
    requireTool(this, 'nginx', 'the example for it is not tried')
    requireTool(this, 'curl', 'the example for nginx is not tried')
    server = await TestServer.start({ settings: { proxyProtocol: { from: [NGINX_ADDRESS] } } })
    folder = await mkdtemp(join(tmpdir(), 'chartroom-nginx-'))
    // nginx started by root reads the files as another user.
    await chmod(folder, 0o755)
    const ports = await freePorts(2)
    const [passthroughPort = 0, copyPort = 0] = ports
    passthrough = `https://localhost:${passthroughPort}`
    copy = `https://localhost:${copyPort}`
    config = join(folder, 'nginx.conf')
    await writeFile(config, await adapted({ passthroughPort, copyPort }))
    await prepareFiles()

    const { output } = await checkNginxConfig(config)
    if (output.includes('unknown directive "stream"')) {
      skipWithoutTool(this, 'nginx has no stream module (Debian: libnginx-mod-stream): not tried')
    }
    nginx = await Nginx.start(config, ports)
  })

  after(async () => {
    await nginx?.stop()
    // Undefined where the suite was skipped before they were made.
    await (server as TestServer | undefined)?.close()
    if ((folder as string | undefined) !== undefined) await rm(folder, { recursive: true })
  })

  /** The example with this test's ports and paths; each of them has to be in it. */
  async function adapted(ports: { readonly passthroughPort: number; readonly copyPort: number }) {
    const own = {
      'pid /run/': `pid ${folder}/`,
      'error_log /var/log/nginx/error.log;': 'error_log stderr;',
      '/var/log/nginx/': `${folder}/`,
      'listen 443;': `listen 127.0.0.1:${ports.passthroughPort};`,
      'listen 8444 ssl;': `listen 127.0.0.1:${ports.copyPort} ssl;`,
      'proxy_protocol on;': `proxy_protocol on;\nproxy_bind ${NGINX_ADDRESS};`,
      'server 127.0.0.1:8443;': `server 127.0.0.1:${server.port};`,
      '/etc/nginx/tls/server.': `${folder}/server.`,
      '/etc/nginx/tls/ca.crt': `${folder}/server.ca.crt`,
      'root /srv/charts;': `root ${folder}/srv;`,
      // Only root may use the compiled-in folder; the others follow its example.
      'http {': `http {\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/tmp-${name};`).join('\n')}`,
    }
    let text = await readFile(EXAMPLE, 'utf8')
    for (const [example, ours] of Object.entries(own)) {
      assert.ok(text.includes(example), `the example lacks ${example}`)
      text = text.replaceAll(example, ours)
    }
    return text
  }

  /** What nginx serves by itself is what Chartroom serves, written down. */
  async function prepareFiles(): Promise<void> {
    await (await server.ca.server()).write(folder, 'server')
    const body = await chart({ name: 'demo', version: '0.1.0' })
    const published = await server.request(await server.publisher(), 'POST', '/api/charts', { body })
    assert.equal(published.status, 201, published.reason)
    for (const path of EXPORTED) {
      const { status, bytes } = await server.request(await server.reader(), 'GET', path)
      assert.equal(status, 200)
      await mkdir(dirname(join(folder, 'srv', path)), { recursive: true })
      await writeFile(join(folder, 'srv', path), bytes)
    }
  }

  async function curl(
    peer: TestPeer | undefined,
    url: string,
    ...args: readonly string[]
  ): Promise<CurlReply> {
    const headers = join(folder, 'reply.headers')
    const body = join(folder, 'reply.body')
    const trust = ['--cacert', join(folder, 'server.ca.crt')]
    const output = ['--silent', '--show-error', '--dump-header', headers, '--output', body]
    await run('curl', [...trust, ...(await identityFlags(peer)), ...output, ...args, url])
    const [, status, reason = ''] =
      /^HTTP\/1\.1 (\d+) (.*?)\r\n/.exec(await readFile(headers, 'latin1')) ?? []
    return { status: Number(status), reason, bytes: await readFile(body) }
  }

  async function identityFlags(peer: TestPeer | undefined): Promise<readonly string[]> {
    if (peer === undefined) return []
    const { certFile, keyFile } = await peer.write(join(folder, 'peers'), 'curl')
    return ['--cert', certFile, '--key', keyFile]
  }

  async function pullVerified(helm: HelmBinary, url: string, peer: TestPeer): Promise<void> {
    const home = join(folder, new URL(url).port, helm.name)
    const files = await peer.write(home, 'reader')
    const flags = [
      '--ca-file',
      join(folder, 'server.ca.crt'),
      '--cert-file',
      files.certFile,
      '--key-file',
      files.keyFile,
    ]
    const keyring = join(folder, 'srv/keys/provenance.gpg')
    for (const args of [
      ['repo', 'add', 'charts', url, ...flags],
      ['pull', 'charts/demo', '--version', '0.1.0', '--verify', '--keyring', keyring],
    ]) {
      const { code, stderr } = await runHelm(helm, args, { home })
      assert.equal(code, 0, stderr)
    }
    assert.deepEqual(
      await readFile(join(home, 'demo-0.1.0.tgz')),
      await readFile(join(folder, 'srv', ARCHIVE)),
    )
  }

  /** nginx writes a line once the session is over, which may be after the client has gone. */
  async function logged(file: string, line: RegExp): Promise<void> {
    await eventually(async () => {
      assert.match(await readFile(join(folder, file), 'utf8'), line)
    })
  }

  it('is accepted by nginx without a warning', async () => {
    const { code, output } = await checkNginxConfig(config)
    assert.deepEqual([code, output.match(/\[(warn|error|emerg)\].*/g)], [0, null], output)
  })

  describe('in front of Chartroom', () => {
    it('leaves the client certificate to Chartroom, which knows who is calling', async () => {
      const reply = await curl(await server.publisher(), `${passthrough}/api/whoami`)
      assert.equal(reply.status, 200, reply.reason)
      const { identity } = JSON.parse(reply.bytes.toString()) as {
        readonly identity: { readonly value: string }
      }
      assert.equal(identity.value, 'ci')
    })

    it('lets a publish through', async () => {
      const file = join(folder, 'other.tgz')
      await writeFile(file, await chart({ name: 'other', version: '1.0.0' }))
      const args = ['--data-binary', `@${file}`]
      const refused = await curl(await server.reader(), `${passthrough}/api/charts`, ...args)
      assert.equal(refused.status, 403, refused.reason)
      const published = await curl(await server.publisher(), `${passthrough}/api/charts`, ...args)
      assert.equal(published.status, 201, published.reason)
    })

    it("gives those without a certificate Chartroom's own explanation", async () => {
      const { status, reason } = await curl(undefined, `${passthrough}/index.yaml`)
      assert.equal(status, 403)
      assert.match(reason, /^Forbidden: a client certificate .* is required, and none was sent$/)
    })

    it("lets Chartroom know the client's address", async () => {
      const args = ['--interface', '127.0.0.2', '--header', 'x-request-id: by-nginx']
      assert.equal((await curl(await server.reader(), `${passthrough}/api/whoami`, ...args)).status, 200)
      await eventually(() => {
        const line = server.logLines.find((text) => text.includes('"by-nginx"')) ?? '{}'
        assert.equal((JSON.parse(line) as { readonly from?: string }).from, '127.0.0.2')
      })
    })

    it('logs the name that was asked for', async () => {
      await curl(await server.reader(), `${passthrough}/index.yaml`)
      await logged('chartroom-passthrough.log', / 127\.0\.0\.1 "localhost" 200 \d+ /)
    })

    for (const helm of helmBinaries()) {
      it(`serves Helm ${helm.version}`, async () => {
        await pullVerified(helm, passthrough, await server.reader())
      })
    }
  })

  describe('as a read-only copy', () => {
    for (const path of EXPORTED) {
      it(`serves ${path} to who has a certificate`, async () => {
        const reply = await curl(await server.reader(), `${copy}${path}`)
        assert.deepEqual([reply.status, reply.bytes], [200, await readFile(join(folder, 'srv', path))])
      })
    }

    it('refuses who has no certificate', async () => {
      assert.equal((await curl(undefined, `${copy}/index.yaml`)).status, 400)
    })

    it('refuses an expired certificate, and that of another CA', async () => {
      const other = await TestCa.create({ name: 'Other' })
      for (const peer of [await server.ca.expiredClient(), await other.client()]) {
        assert.equal((await curl(peer, `${copy}/index.yaml`)).status, 400)
      }
    })

    it('serves nothing else, and takes nothing', async () => {
      const reader = await server.reader()
      assert.equal((await curl(reader, `${copy}/api/charts`)).status, 404)
      assert.equal((await curl(reader, `${copy}/index.yaml`, '--data', 'x')).status, 405)
      assert.equal((await curl(reader, `${copy}/index.yaml`, '--request', 'PUT', '--data', 'x')).status, 405)
    })

    it('logs who read what', async () => {
      await curl(await server.publisher(), `${copy}/index.yaml`)
      await logged('charts.log', /"CN=ci,OU=publishers" "GET \/index\.yaml HTTP\/1\.1" 200 /)
    })

    for (const helm of helmBinaries()) {
      it(`serves Helm ${helm.version}`, async () => {
        await pullVerified(helm, copy, await server.reader())
      })
    }
  })
})
