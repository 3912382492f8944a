import assert from 'node:assert/strict'
import { access, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chart } from '../support/chart-builder.ts'
import { helmBinaries, runHelm, type HelmBinary, type HelmRun } from '../support/helm-binaries.ts'
import { TestCa, type PeerFiles, type TestPeer } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'

/** Helm before 3.13 reads the index with its strict YAML parser: an unknown field would hide every chart. */
for (const helm of helmBinaries()) describeHelm(helm)

function describeHelm(helm: HelmBinary): void {
  describe(`real Helm ${helm.version}`, () => {
    let server: TestServer
    let home: string
    let flags: (peer: TestPeer, name: string) => Promise<readonly string[]>

    before(async () => {
      server = await TestServer.start({ settings: { repositories: [{ name: 'team-a/stable' }] } })
      home = await mkdtemp(join(tmpdir(), 'chartroom-helm-'))
      flags = async (peer, name) => flagsOf(await peer.write(join(home, 'peers'), name), server)
      await writeFile(join(home, 'ca.crt'), server.ca.certificatePem)
      await publish('/api/charts', await chart({ name: 'demo', version: '0.1.0' }))
      await publish('/api/charts', await chart({ name: 'demo', version: '0.2.0+build.5' }))
      await publish('/api/charts', await chart({ name: 'demo', version: '0.3.0-rc.1' }))
      await publish('/api/charts', await chart(TRICKY))
      await publish('/api/team-a/stable/charts', await chart({ name: 'inner', version: '1.0.0' }))
      await writeFile(
        join(home, 'keyring.gpg'),
        (await server.request(await server.reader(), 'GET', KEYRING)).bytes,
      )
    })

    after(async () => {
      await server.close()
      await rm(home, { recursive: true })
    })

    async function publish(path: string, body: Buffer): Promise<void> {
      const { status, reason } = await server.request(await server.admin(), 'POST', path, { body })
      assert.equal(status, 201, reason)
    }

    async function run(...args: readonly string[]): Promise<HelmRun> {
      return runHelm(helm, args, { home })
    }

    async function succeed(...args: readonly string[]): Promise<string> {
      const { code, stdout, stderr } = await run(...args)
      assert.equal(code, 0, stderr)
      return stdout
    }

    it('adds repositories, also named ones, with their certificate', async () => {
      const reader = await flags(await server.reader(), 'reader')
      await succeed('repo', 'add', 'root', server.url, ...reader)
      await succeed('repo', 'add', 'team', `${server.url}/team-a/stable/`, ...reader)
      await succeed('repo', 'update')
    })

    it('finds every chart, with every odd scalar as text', async () => {
      const found = JSON.parse(
        await succeed('search', 'repo', '--devel', '--versions', '-o', 'json'),
      ) as readonly {
        name: string
        version: string
        app_version: string
      }[]
      assert.deepEqual(found.map(({ name, version }) => `${name} ${version}`).sort(), [
        'root/demo 0.1.0',
        'root/demo 0.2.0+build.5',
        'root/demo 0.3.0-rc.1',
        'root/tricky 1.0.0',
        'team/inner 1.0.0',
      ])
      assert.equal(found.find(({ name }) => name === 'root/tricky')?.app_version, '1.1')
    })

    it('pulls and verifies with the keyring that the server hands out', async () => {
      const keyring = join(home, 'keyring.gpg')
      await succeed('pull', 'root/demo', '--version', '0.1.0', '--verify', '--keyring', keyring, '-d', home)
      await succeed(
        'pull',
        'root/demo',
        '--version',
        '0.2.0+build.5',
        '--verify',
        '--keyring',
        keyring,
        '-d',
        home,
      )
      await succeed('pull', 'root/tricky', '--verify', '--keyring', keyring, '-d', home)
      await succeed('pull', 'team/inner', '--verify', '--keyring', keyring, '-d', home)
      await access(join(home, 'demo-0.2.0+build.5.tgz'))
    })

    it('pulls with --prov, and verifies afterwards', async () => {
      const folder = join(home, 'prov')
      await mkdir(folder)
      await succeed('pull', 'root/demo', '--version', '0.1.0', '--prov', '-d', folder)
      const file = join(folder, 'demo-0.1.0.tgz')
      await succeed('verify', file, '--keyring', join(home, 'keyring.gpg'))
      await writeFile(
        file,
        await chart({ name: 'demo', version: '0.1.0', files: { 'values.yaml': 'evil: true\n' } }),
      )
      const { code, stderr } = await run('verify', file, '--keyring', join(home, 'keyring.gpg'))
      assert.notEqual(code, 0)
      assert.match(stderr, /sha256 sum does not match/)
    })

    it('renders one that it pulled and verified, and one from the repository', async () => {
      // In this order: Helm 4.0 and 4.1 keep a rendered chart, and then ask for its provenance without a certificate.
      const verified = join(home, 'prov-template')
      await mkdir(verified)
      const keyring = ['--verify', '--keyring', join(home, 'keyring.gpg')]
      await succeed('pull', 'root/demo', '--version', '0.1.0', '-d', verified, ...keyring)
      assert.match(
        await succeed('template', 'x', join(verified, 'demo-0.1.0.tgz'), ...keyring),
        /greeting: hello/,
      )
      assert.match(await succeed('template', 'x', 'root/demo', '--version', '0.1.0'), /greeting: hello/)
      assert.match(await succeed('show', 'chart', 'root/demo', '--version', '0.1.0'), /name: demo/)
    })

    it('resolves dependencies, verified', async () => {
      const parent = join(home, 'parent')
      await mkdir(parent, { recursive: true })
      const chartYaml =
        'apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n' +
        `- name: demo\n  version: ^0.1.0\n  repository: ${server.url}\n` +
        `- name: inner\n  version: 1.0.0\n  repository: "@team"\n`
      await writeFile(join(parent, 'Chart.yaml'), chartYaml)
      await succeed('dependency', 'update', parent, '--verify', '--keyring', join(home, 'keyring.gpg'))
      await rm(join(parent, 'charts'), { recursive: true })
      await succeed('dependency', 'build', parent)
      await access(join(parent, 'charts/inner-1.0.0.tgz'))
    })

    it('publishes what it has packaged, and sees it after an update', async () => {
      const source = join(home, 'fresh')
      await mkdir(join(source, 'templates'), { recursive: true })
      await writeFile(
        join(source, 'Chart.yaml'),
        'apiVersion: v2\nname: fresh\nversion: 3.0.0\nappVersion: "1.10"\n',
      )
      await writeFile(join(source, 'values.yaml'), 'a: 1\n')
      await succeed('package', source, '-d', home)
      await publish('/api/charts', await readFile(join(home, 'fresh-3.0.0.tgz')))
      await succeed('repo', 'update', ...(helm.name === 'helm-3-9' ? [] : ['root']))
      assert.match(await succeed('search', 'repo', 'fresh'), /root\/fresh\s+3\.0\.0\s+1\.10/)
      await publish('/api/charts', await readFile(join(home, 'fresh-3.0.0.tgz')))
    })

    const refused: readonly (readonly [string, () => Promise<TestPeer>, RegExp])[] = [
      [
        'an expired certificate',
        async () => server.ca.expiredClient({ cn: 'reader' }),
        /403 Forbidden: your client certificate has expired/,
      ],
      [
        'a certificate without grants',
        async () => server.ca.client({ cn: 'nobody' }),
        /403 Forbidden: "nobody" may not read the root repository/,
      ],
    ]
    for (const [what, make, text] of refused) {
      it(`shows the user why ${what} is refused`, async () => {
        const scoped = await TestServer.start({
          ca: server.ca,
          settings: { access: [{ who: { cn: 'reader' }, may: ['read'], repositories: 'all' }] },
        })
        try {
          const peer = await (await make()).write(join(home, 'peers'), 'refused')
          const { code, stderr } = await run('repo', 'add', 'refused', scoped.url, ...flagsOf(peer, scoped))
          assert.notEqual(code, 0)
          assert.match(stderr, text)
        } finally {
          await scoped.close()
        }
      })
    }

    it('shows the user that a certificate of another CA counts as none', async () => {
      const stranger = await TestServer.start({ ca: await TestCa.create({ name: 'Elsewhere' }) })
      try {
        const peer = await (await stranger.reader()).write(join(home, 'peers'), 'stranger')
        const { code, stderr } = await run(
          'repo',
          'add',
          'stranger',
          server.url,
          ...flagsOf(peer, server, home),
        )
        assert.notEqual(code, 0)
        assert.match(
          stderr,
          /403 Forbidden: a client certificate from a CA that this server names is required/,
        )
      } finally {
        await stranger.close()
      }
    })

    it('lets a read-only certificate read and nothing else', async () => {
      const reader = await server.reader()
      const body = await chart({ name: 'demo', version: '9.9.9' })
      const { status, reason } = await server.request(reader, 'POST', '/api/charts', { body })
      assert.deepEqual([status, reason], [403, 'Forbidden: "reader" may not publish to the root repository'])
    })
  })
}

const KEYRING = '/keys/provenance.gpg'

/** What a hand-made Chart.yaml may carry; one of these unquoted in the index would make Helm reject all of it. */
const TRICKY = {
  name: 'tricky',
  version: '1.0.0',
  chartYaml: [
    'apiVersion: v2',
    'name: tricky',
    'version: 1.0.0',
    'appVersion: 1.10',
    'description: "tab\\there, \\u2028 and \\u0085, quotes \\" and é 😀"',
    'kubeVersion: ">=1.20.0-0"',
    'keywords: [yes, 0x1F, ~x]',
    'annotations: {number: 1e3, flag: true, date: 2024-01-01, "key: with colon": "value"}',
    'maintainers: [{name: Me, email: me@example.org}]',
    'unknownField: dropped',
    '',
  ].join('\n'),
}

function flagsOf(files: PeerFiles, server: TestServer, folder?: string): readonly string[] {
  const ca = folder === undefined ? join(server.config.certs, 'ca.crt') : join(folder, 'ca.crt')
  return ['--ca-file', ca, '--cert-file', files.certFile, '--key-file', files.keyFile]
}
