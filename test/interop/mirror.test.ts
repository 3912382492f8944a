import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SigningKey } from '../../src/provenance/signing-key.ts'
import { chart } from '../support/chart-builder.ts'
import { helmBinaries, runHelm, type HelmBinary, type HelmRun } from '../support/helm-binaries.ts'
import { freePorts, Nginx } from '../support/nginx.ts'
import { keyringOf, makeKey } from '../support/openpgp-keys.ts'
import { requireTool } from '../support/optional-tool.ts'
import { TestCa } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'
import { signChart } from '../support/use-cases.ts'

/** Packages of a public repository; not part of this one, and mirrored as well where they are. */
const REAL_CHARTS = join(import.meta.dirname, '../../../shared/real-charts')
const SIGNED_CHARTS = join(REAL_CHARTS, 'signed')
const RELEASES = new Set(['helm-3-18', 'helm-4-2'])

describe('a mirror of real nginx, with real Helm', () => {
  const helms = helmBinaries().filter(({ name }) => RELEASES.has(name))
  let folder: string
  let server: TestServer
  let nginx: Nginx
  let tls: readonly string[]

  before(async function () {
    requireTool(this, 'nginx', 'no mirror of it is tried')
    const [helm] = helms
    if (helm === undefined) return this.skip()
    folder = await mkdtemp(join(tmpdir(), 'chartroom-mirror-'))
    // nginx started by root reads the files as another user.
    await chmod(folder, 0o755)
    const ports = await freePorts(2)
    const ca = await TestCa.create({ name: 'Upstream' })
    await writeUpstream(helm, ca, ports)
    nginx = await Nginx.start(join(folder, 'nginx.conf'), ports)
    server = await TestServer.start({ settings: { repositories: [await mirrorOf(ca, ports)] } })
    const { certFile, keyFile, caFile } = await (await server.reader()).write(join(folder, 'peer'), 'reader')
    tls = ['--cert-file', certFile, '--key-file', keyFile, '--ca-file', caFile]
    const { bytes } = await server.request(await server.reader(), 'GET', '/mirror/keys/provenance.gpg')
    await writeFile(join(folder, 'ours.gpg'), bytes)
  })

  after(async () => {
    await (server as TestServer | undefined)?.close()
    await (nginx as Nginx | undefined)?.stop()
    if ((folder as string | undefined) !== undefined) await rm(folder, { recursive: true })
  })

  /** Files, some of them signed, the index that Helm makes of them, and two hosts that have half of them each. */
  async function writeUpstream(helm: HelmBinary, ca: TestCa, ports: readonly number[]): Promise<void> {
    const files = join(folder, 'files')
    await mkdir(files)
    for (const source of ['near', 'far'].flatMap((name) =>
      helms.map((_, at) => ({ name, version: `1.${at}.0` })),
    )) {
      await writeFile(join(files, `${source.name}-${source.version}.tgz`), await chart(source))
    }
    const theirs = await makeKey({ type: 'rsa' })
    const keyring = await keyringOf(theirs)
    const signing = await SigningKey.open({ armored: theirs })
    for (const at of helms.keys()) {
      const source = { name: 'signed', version: `1.${at}.0` }
      const archive = await chart(source)
      await writeFile(join(files, `signed-1.${at}.0.tgz`), archive)
      await writeFile(join(files, `signed-1.${at}.0.tgz.prov`), await signChart(signing, archive, source))
    }
    const known = existsSync(SIGNED_CHARTS)
      ? await readFile(join(SIGNED_CHARTS, 'helm-test-key.pub'))
      : Buffer.alloc(0)
    await writeFile(join(folder, 'theirs.gpg'), Buffer.concat([keyring.toBinary(), known]))
    for (const from of [REAL_CHARTS, SIGNED_CHARTS].filter((path) => existsSync(path))) {
      const names = (await readdir(from)).filter((name) => /\.tgz(\.prov)?$/.test(name))
      for (const name of names) await copyFile(join(from, name), join(files, name))
    }
    const made = await runHelm(helm, ['repo', 'index', files], { home: folder })
    assert.equal(made.code, 0, made.stderr)
    const index = await readFile(join(files, 'index.yaml'), 'utf8')
    const elsewhere = `https://127.0.0.1:${ports[1] ?? 0}/`
    await writeFile(join(files, 'index.yaml'), index.replaceAll(/- (?=(?:far|argo-cd)-)/g, `- ${elsewhere}`))
    await writeNginx(ca, ports)
  }

  async function writeNginx(ca: TestCa, [own = 0, other = 0]: readonly number[]): Promise<void> {
    await (await ca.server()).write(folder, 'server')
    await writeFile(join(folder, 'users'), 'mirror:{PLAIN}secret\n')
    const common = `ssl_certificate ${folder}/server.crt; ssl_certificate_key ${folder}/server.key; root ${folder}/files;`
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    await writeFile(
      join(folder, 'nginx.conf'),
      `pid ${folder}/nginx.pid; error_log stderr; events {}
      http {
        access_log off;
        ${temporary.map((name) => `${name}_temp_path ${folder}/tmp-${name};`).join('\n')}
        server {
          listen 127.0.0.1:${own} ssl; ${common}
          ssl_client_certificate ${folder}/server.ca.crt; ssl_verify_client on;
          auth_basic upstream; auth_basic_user_file ${folder}/users;
        }
        server { listen 127.0.0.1:${other} ssl; ${common} }
      }`,
    )
  }

  async function mirrorOf(ca: TestCa, [own = 0, other = 0]: readonly number[]) {
    const { certFile, keyFile, caFile } = await (await ca.client()).write(folder, 'mirror')
    const upstream = {
      name: 'nginx',
      url: `https://localhost:${own}`,
      hosts: [`127.0.0.1:${other}`],
      privateAddresses: ['127.0.0.0/8'],
      username: 'mirror',
      password: 'secret',
      clientCertificate: certFile,
      clientKey: keyFile,
      ca: caFile,
      verify: 'when-present',
      keyring: join(folder, 'theirs.gpg'),
    }
    return { name: 'mirror', mirror: { upstreams: [upstream] } }
  }

  for (const [at, helm] of helms.entries()) {
    it(`is listed, pulled and verified by Helm ${helm.version}, by our key and by the upstream's`, async () => {
      const home = await mkdtemp(join(folder, 'helm-'))
      const run = async (...args: readonly string[]): Promise<HelmRun> => runHelm(helm, args, { home })
      const succeed = async (...args: readonly string[]): Promise<string> => {
        const { code, stdout, stderr } = await run(...args)
        assert.equal(code, 0, `${args.join(' ')}: ${stderr}`)
        return stdout
      }
      await succeed('repo', 'add', 'm', `${server.url}/mirror`, ...tls)
      const found = JSON.parse(await succeed('search', 'repo', '-l', '--devel', '-o', 'json')) as unknown[]
      const files = (await readdir(join(folder, 'files'))).filter((name) => name.endsWith('.tgz'))
      assert.equal(found.length, files.length)

      const version = `1.${at}.0`
      const charts = ['near', 'far', 'signed'].map((name) => [name, version] as const)
      const real = [
        ['argo-events', '1.4.1'],
        ['argo-cd', '2.17.5'],
        ['signtest', '0.1.0'],
      ] as const
      for (const [name, wanted] of [...charts, ...(existsSync(REAL_CHARTS) ? real : [])]) {
        const verify = ['--verify', '--keyring', join(folder, 'ours.gpg')]
        await succeed('pull', `m/${name}`, '--version', wanted, ...verify, ...tls)
        const file = `${name}-${wanted}.tgz`
        assert.deepEqual(await readFile(join(home, file)), await readFile(join(folder, 'files', file)))
      }
      const theirs = ['--verify', '--keyring', join(folder, 'theirs.gpg')]
      for (const [name, wanted] of [
        ['signed', version],
        ...(existsSync(REAL_CHARTS) ? [['signtest', '0.1.0']] : []),
      ]) {
        await succeed('pull', `m/${name ?? ''}`, '--version', wanted ?? '', ...theirs, ...tls)
      }
      const unsigned = await run('pull', 'm/near', '--version', version, ...theirs, ...tls)
      assert.notEqual(unsigned.code, 0)
    }).timeout(60_000)
  }

  it('serves what it has while the upstream is stopped', async () => {
    await nginx.stop()
    for (const helm of helms) {
      const home = await mkdtemp(join(folder, 'helm-'))
      const add = await runHelm(helm, ['repo', 'add', 'm', `${server.url}/mirror`, ...tls], { home })
      assert.equal(add.code, 0, add.stderr)
      const pull = await runHelm(helm, ['pull', 'm/signed', '--version', '1.0.0', ...tls], { home })
      assert.equal(pull.code, 0, pull.stderr)
    }
  }).timeout(60_000)
})
