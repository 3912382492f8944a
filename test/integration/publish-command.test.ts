import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chart } from '../support/chart-builder.ts'
import { writeTree } from '../support/chart-tree.ts'
import { type CommandOptions, type CommandResult, runChartroom } from '../support/command-line.ts'
import { type Cut, FlakyProxy } from '../support/flaky-proxy.ts'
import { helmBinaries, runHelm } from '../support/helm-binaries.ts'
import { makeKey, secretBinary } from '../support/openpgp-keys.ts'
import { type PeerFiles, type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer } from '../support/test-server.ts'

describe('chartroom publish', () => {
  let folder: string
  let server: TestServer
  let ci: PeerFiles

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-publish-'))
    server = await TestServer.start({ settings: { repositories: [{ name: 'team-a/stable' }] } })
    ci = await write(await server.publisher(), 'ci')
  })

  afterEach(async () => {
    await server.close()
    await rm(folder, { recursive: true })
  })

  async function write(peer: TestPeer, name: string): Promise<PeerFiles> {
    return peer.write(join(folder, 'peers'), name)
  }

  function flagsOf({ certFile, keyFile, caFile }: PeerFiles): readonly string[] {
    return ['--cert-file', certFile, '--key-file', keyFile, '--ca-file', caFile]
  }

  async function publish(
    paths: readonly string[],
    flags: readonly string[] = [],
    options: CommandOptions & { readonly url?: string; readonly peer?: PeerFiles } = {},
  ): Promise<CommandResult> {
    const { url = server.url, peer = ci } = options
    return runChartroom(['publish', ...paths, '--repo', url, ...flagsOf(peer), ...flags], options)
  }

  async function packaged(name: string, files?: Readonly<Record<string, string | Buffer>>): Promise<string> {
    const path = join(folder, `${name}-0.1.0.tgz`)
    await writeFile(path, await chart({ name, ...(files && { files }) }))
    return path
  }

  async function source(name: string, version = '0.1.0'): Promise<string> {
    const directory = join(folder, 'sources', name)
    await writeTree(directory, {
      'Chart.yaml': `apiVersion: v2\nname: ${name}\nversion: ${version}\n`,
      'values.yaml': 'a: 1\n',
      '.helmignore': '*.md\n',
      'README.md': 'x',
    })
    return directory
  }

  async function stored(path: string): Promise<Buffer | undefined> {
    const reply = await server.request(await server.reader(), 'GET', path)
    return reply.status === 200 ? reply.bytes : undefined
  }

  function sha256(bytes: Buffer): string {
    return createHash('sha256').update(bytes).digest('hex')
  }

  it('publishes a packaged chart, and says so again when it is there already', async () => {
    const path = await packaged('demo')
    const digest = sha256(await readFile(path))
    const first = await publish([path])
    assert.deepEqual([first.code, first.stdout], [0, `created demo 0.1.0 sha256:${digest}\n`], first.stderr)
    assert.deepEqual(await stored('/charts/demo-0.1.0.tgz'), await readFile(path))
    const second = await publish([path])
    assert.deepEqual([second.code, second.stdout], [0, `unchanged demo 0.1.0 sha256:${digest}\n`])
  })

  it('packages a directory, twice to the same bytes', async () => {
    const directory = await source('demo')
    const first = await publish([directory])
    assert.match(first.stdout, /^created demo 0\.1\.0 sha256:[0-9a-f]{64}\n$/, first.stderr)
    const archive = await stored('/charts/demo-0.1.0.tgz')
    assert.ok(archive)
    assert.equal(first.stdout, `created demo 0.1.0 sha256:${sha256(archive)}\n`)
    assert.equal((await publish([directory])).stdout, `unchanged demo 0.1.0 sha256:${sha256(archive)}\n`)
  })

  it('gives a directory another version, behind the name of the command', async () => {
    const { code, stdout, stderr } = await publish(
      [await source('demo')],
      ['--version', '1.2.3', '--app-version', '7'],
    )
    assert.equal(code, 0, stderr)
    assert.match(stdout, /^created demo 1\.2\.3 /)
    const { bytes } = await server.request(await server.reader(), 'GET', '/api/charts/demo/1.2.3')
    assert.equal((JSON.parse(bytes.toString()) as { appVersion: string }).appVersion, '7')
  })

  it('publishes into a named repository, with a slash at its end or without', async () => {
    for (const url of [`${server.url}/team-a/stable`, `${server.url}/team-a/stable/`]) {
      const { code, stderr } = await publish([await packaged('demo')], [], { url })
      assert.equal(code, 0, stderr)
    }
    assert.ok(await stored('/team-a/stable/charts/demo-0.1.0.tgz'))
  })

  it('asks the server for its context path', async () => {
    const below = await TestServer.start({
      ca: server.ca,
      settings: { contextPath: '/helm', repositories: [{ name: 'team-a/stable' }] },
    })
    try {
      const path = await packaged('demo')
      for (const url of [`${below.url}/helm`, `${below.url}/helm/team-a/stable`]) {
        const { code, stderr } = await publish([path], [], { url })
        assert.equal(code, 0, stderr)
      }
      const reader = await below.reader()
      for (const place of ['/helm/charts', '/helm/team-a/stable/charts']) {
        assert.equal((await below.request(reader, 'GET', `${place}/demo-0.1.0.tgz`)).status, 200)
      }
    } finally {
      await below.close()
    }
  })

  it('publishes with a certificate that may not read', async () => {
    const scoped = await TestServer.start({
      ca: server.ca,
      settings: {
        repositories: [{ name: 'team-a/stable' }],
        access: [{ who: { anchor: 'built-in' }, may: ['publish'], repositories: 'all' }],
      },
    })
    try {
      const { code, stderr } = await publish([await packaged('demo')], [], {
        url: `${scoped.url}/team-a/stable`,
      })
      assert.equal(code, 0, stderr)
    } finally {
      await scoped.close()
    }
  })

  it('replaces other content only with --force, and where the grants allow it', async () => {
    await publish([await packaged('demo')])
    const changed = await packaged('demo', { 'values.yaml': 'other: 1\n' })
    const refused = await publish([changed])
    assert.equal(refused.code, 1)
    assert.match(refused.stderr, /demo-0\.1\.0\.tgz: 409 Conflict: .*demo/)
    const overwriting = await TestServer.start({ ca: server.ca, settings: { overwrite: 'forced' } })
    try {
      const options = { url: overwriting.url, peer: await write(await overwriting.admin(), 'admin') }
      await publish([await packaged('demo')], [], options)
      const other = await packaged('demo', { 'values.yaml': 'other: 1\n' })
      assert.match((await publish([other], ['--force'], options)).stdout, /^replaced demo 0\.1\.0 /)
    } finally {
      await overwriting.close()
    }
  })

  it('goes on after a chart that fails, and exits with 1', async () => {
    const bad = join(folder, 'bad.tgz')
    await writeFile(bad, 'no chart')
    const { code, stdout, stderr } = await publish([await packaged('first'), bad, await source('third')])
    assert.equal(code, 1)
    assert.deepEqual(stdout.match(/^created \w+/gm), ['created first', 'created third'])
    assert.match(stderr, /chartroom: .*bad\.tgz: the archive/)
    assert.ok(await stored('/charts/first-0.1.0.tgz'))
    assert.ok(await stored('/charts/third-0.1.0.tgz'))
  })

  describe('a provenance file', () => {
    for (const helm of helmBinaries().filter(({ name }) => name !== 'helm-4-1')) {
      it(`of ${helm.name} package --sign goes along in the same request`, async () => {
        const key = await makeKey({ type: 'rsa' })
        const secret = join(folder, 'secret.gpg')
        await writeFile(secret, await secretBinary(key))
        const sign = ['--sign', '--key', 'Test Publisher', '--keyring', secret]
        const made = await runHelm(helm, ['package', await source('demo'), '-d', folder, ...sign], {
          home: folder,
        })
        assert.equal(made.code, 0, made.stderr)
        const path = join(folder, 'demo-0.1.0.tgz')

        const strict = await TestServer.start({ ca: server.ca, settings: { provenance: { required: true } } })
        try {
          const { code, stderr } = await publish([path], [], { url: strict.url })
          assert.equal(code, 0, stderr)
          const reader = await strict.reader()
          const { bytes } = await strict.request(reader, 'GET', '/charts/demo-0.1.0.tgz.prov')
          const [signedText = ''] = (await readFile(`${path}.prov`, 'utf8')).split('-----BEGIN PGP SIGNATURE')
          assert.ok(bytes.toString().startsWith(signedText), 'the text that the publisher signed is kept')
          const without = await publish([path], ['--no-prov'], { url: strict.url })
          assert.deepEqual([without.code, without.stdout], [1, ''])
          assert.match(without.stderr, /403 Forbidden: .*takes no chart without its provenance file/)
        } finally {
          await strict.close()
        }
      })
    }

    it('that does not match is refused with the server’s words, and nothing is stored', async () => {
      const path = await packaged('demo')
      await writeFile(`${path}.prov`, 'no signature')
      const { code, stdout, stderr } = await publish([path])
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /demo-0\.1\.0\.tgz: 400 Bad Request: .*has no clear-signed block/)
      assert.equal(await stored('/charts/demo-0.1.0.tgz'), undefined)
      assert.equal((await publish([path], ['--no-prov'])).code, 0)
    })

    it('is named for one chart only', async () => {
      const { code, stderr } = await publish(['a.tgz', 'b.tgz'], ['--prov', 'a.prov'])
      assert.equal(code, 1)
      assert.match(stderr, /--prov is for one chart/)
    })
  })

  describe('over connections that break', () => {
    async function publishThrough(
      cuts: readonly Cut[],
      flags: readonly string[] = [],
    ): Promise<CommandResult> {
      const proxy = await FlakyProxy.start(server.port, cuts)
      try {
        const path = await packaged('demo', { 'values.yaml': '', noise: randomBytes(300_000) })
        const result = await publish([path], flags, { url: proxy.url })
        assert.equal(proxy.cutsLeft, 0)
        return result
      } finally {
        await proxy.close()
      }
    }

    it('tries again until it is published, and tells of each time', async () => {
      const { code, stdout, stderr } = await publishThrough([
        { when: 'connected' },
        { when: 'sending', afterBytes: 100_000 },
      ])
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^created demo 0\.1\.0 /)
      assert.match(stderr, /the connection broke .*; attempt 2 of 6 in 0\.\d s\n[^]*attempt 3 of 6 in/)
    })

    it('finds it published when only the reply was lost', async () => {
      const { code, stdout, stderr } = await publishThrough([{ when: 'replying', afterBytes: 300_000 }])
      assert.equal(code, 0, stderr)
      assert.match(stdout, /^unchanged demo 0\.1\.0 /)
    })

    it('gives up after as many retries as are allowed', async () => {
      const { code, stdout, stderr } = await publishThrough([{ when: 'connected' }], ['--retries', '0'])
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, /demo-0\.1\.0\.tgz: 127\.0\.0\.1:\d+: the connection broke before a reply came/)
    })
  })

  describe('with a certificate that is not good enough', () => {
    async function assertRefused(peer: PeerFiles, message: RegExp): Promise<void> {
      const { code, stdout, stderr } = await publish([await packaged('demo')], [], { peer })
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, message)
      assert.equal(await stored('/charts/demo-0.1.0.tgz'), undefined)
    }

    it('shows the server’s words to who may not publish, and sends nothing of the chart', async () => {
      const reader = await write(await server.reader(), 'reader')
      await assertRefused(
        reader,
        /demo-0\.1\.0\.tgz: 403 Forbidden: "reader" may not publish to the root repository\n$/,
      )
    })

    it('shows the server’s words about a certificate of another CA', async () => {
      const stranger = await TestServer.start()
      try {
        const peer = await write(await stranger.publisher(), 'stranger')
        await assertRefused(
          { ...peer, caFile: ci.caFile },
          /403 Forbidden: your client certificate is not from a CA that this server trusts/,
        )
      } finally {
        await stranger.close()
      }
    })

    it('finds an expired one before anything is sent', async () => {
      const before = server.logLines.length
      const expired = await write(await server.ca.expiredClient({ cn: 'ci' }), 'expired')
      await assertRefused(
        expired,
        /^chartroom: the client certificate in .*expired\.crt expired on 20\d\d-\d\d-\d\d /,
      )
      assert.equal(server.logLines.slice(before).filter((line) => line.includes('"POST"')).length, 0)
    })

    it('names --ca-file when the server’s CA is not trusted', async () => {
      const elsewhere = await TestServer.start()
      try {
        const { code, stderr } = await publish([await packaged('demo')], [], { url: elsewhere.url })
        assert.equal(code, 1)
        assert.match(stderr, /from a CA that is not trusted here: name that CA's certificate with --ca-file/)
        const withoutCa = ['--cert-file', ci.certFile, '--key-file', ci.keyFile]
        const args = ['publish', join(folder, 'demo-0.1.0.tgz'), '--repo', server.url, ...withoutCa]
        assert.match((await runChartroom(args)).stderr, /not trusted here/)
      } finally {
        await elsewhere.close()
      }
    })
  })

  describe('--repo NAME', () => {
    for (const helm of helmBinaries().filter(({ name }) => name === 'helm-3-9' || name === 'helm-4-2')) {
      it(`reads what ${helm.name} repo add stored, and flags go before it`, async () => {
        const home = join(folder, 'helm-home')
        await mkdir(home)
        const url = `${server.url}/team-a/stable`
        const added = await runHelm(helm, ['repo', 'add', 'mine', url, ...flagsOf(ci)], { home })
        assert.equal(added.code, 0, added.stderr)
        const environment = { HELM_CONFIG_HOME: join(home, '.helm/config') }
        const args = ['publish', await packaged('demo'), '--repo', 'mine']
        const { code, stderr } = await runChartroom(args, { environment })
        assert.equal(code, 0, stderr)
        assert.ok(await stored('/team-a/stable/charts/demo-0.1.0.tgz'))

        const reader = await write(await server.reader(), 'reader')
        const asReader = await runChartroom([...args, ...flagsOf(reader)], { environment })
        assert.match(asReader.stderr, /403 Forbidden: "reader" may not publish/)
      })
    }

    it('says where it has looked for a name that Helm does not know', async () => {
      const environment = { HELM_REPOSITORY_CONFIG: join(folder, 'repositories.yaml') }
      await writeFile(environment.HELM_REPOSITORY_CONFIG, 'apiVersion: ""\nrepositories: []\n')
      const { code, stderr } = await runChartroom(['publish', 'x', '--repo', 'typo'], { environment })
      assert.equal(code, 1)
      assert.match(stderr, /"typo" is no URL, and none of Helm's repositories \(.*repositories\.yaml\)/)
    })
  })

  describe('what it says', () => {
    it('is a line for each chart in CI', async () => {
      const { stderr } = await publish([await packaged('demo')])
      assert.match(stderr, /^sending demo-0\.1\.0\.tgz \(\d+ B\)\n$/)
    })

    it('is a bar on a terminal, of which nothing is left', async () => {
      const path = await packaged('demo', { 'values.yaml': '', noise: randomBytes(300_000) })
      const { stdout, stderr } = await publish([path], [], { columns: 80 })
      assert.match(stdout, /^created /)
      assert.match(stderr, /demo-0\.1\.0\.tgz \[#+\.+\]  [1-9]\d% of 293\.\d KiB/)
      assert.ok(stderr.endsWith('\r\u001b[K'))
    })

    it('is nothing with --quiet but what goes wrong', async () => {
      assert.deepEqual(await publish([await packaged('demo')], ['--quiet']), {
        code: 0,
        stdout: '',
        stderr: '',
      })
      const { stderr } = await publish([join(folder, 'gone.tgz')], ['--quiet'])
      assert.match(stderr, /gone\.tgz does not exist/)
    })

    it('is the usage when an option is wrong', async () => {
      assert.equal((await runChartroom(['publish', 'x'])).code, 2)
      assert.equal((await publish(['x'], ['--retries', '-1'])).code, 2)
      assert.equal((await publish(['x'], ['--timeout', '120'])).code, 2)
    })
  })

  it('stops at once when it is told to', async () => {
    const termination = new AbortController()
    termination.abort()
    const path = await packaged('demo')
    const { code, stderr } = await publish([path, path], [], { terminated: termination.signal })
    assert.deepEqual([code, stderr.match(/interrupted/g)?.length], [1, 1])
    assert.deepEqual(jsonOf(await server.request(await server.reader(), 'GET', '/api/charts')), {})
  })
})
