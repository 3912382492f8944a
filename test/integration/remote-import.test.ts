import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import { once } from 'node:events'
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chart } from '../support/chart-builder.ts'
import { type CommandResult, runChartroom } from '../support/command-line.ts'
import { filesBelow } from '../support/leftovers.ts'
import { Installation } from '../support/installation.ts'

type Answers = Readonly<Record<string, string | Buffer | ((response: ServerResponse) => void)>>

/** `Host` and `Authorization` of each request, by path. */
type Seen = Map<string, IncomingMessage['headers']>

/** A repository that is none of ours. */
class Stranger {
  readonly seen: Seen = new Map()
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start({ ca }: Installation, answers: () => Answers): Promise<Stranger> {
    const server = createServer(await ca.server())
    const stranger = new Stranger(server)
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const path = request.url ?? ''
      stranger.seen.set(path, request.headers)
      const answer = answers()[path]
      if (typeof answer === 'function') answer(response)
      else response.writeHead(answer === undefined ? 404 : 200).end(answer)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return stranger
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get url(): string {
    return `https://localhost:${this.port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

describe('chartroom import from a repository of another kind', () => {
  let folder: string
  let installation: Installation
  let own: Stranger
  let foreign: Stranger
  let answers: Answers
  let foreignAnswers: Answers
  let demo: Buffer

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-remote-'))
    installation = await Installation.create({ settings: { uploads: { maxBytes: '64KiB' } } })
    answers = {}
    foreignAnswers = {}
    own = await Stranger.start(installation, () => answers)
    foreign = await Stranger.start(installation, () => foreignAnswers)
    demo = await chart()
    await writeFile(join(folder, 'ca.crt'), installation.ca.certificatePem)
  })

  afterEach(async () => {
    await own.close()
    await foreign.close()
    await installation.remove()
    await rm(folder, { recursive: true })
  })

  async function run(...flags: readonly string[]): Promise<CommandResult> {
    const args = ['--repository', '/', '--create', '--ca-file', join(folder, 'ca.crt'), '--timeout', '60s']
    const environment = { HELM_REPO_USERNAME: 'me', HELM_REPO_PASSWORD: 'secret' }
    return runChartroom(
      ['import', `${own.url}/charts`, '--config', installation.configFile, ...args, ...flags],
      { environment },
    )
  }

  function index(url: string, fields = ''): string {
    return `entries:\n  demo:\n  - {name: demo, version: 0.1.0, urls: ["${url}"]${fields}}\n`
  }

  it('reads a password for the repository from the environment, and a URL relative to the index', async () => {
    const digest = createHash('sha256').update(demo).digest('hex')
    answers = {
      '/charts/index.yaml': index('files/demo-0.1.0.tgz', `, digest: ${digest}`),
      '/charts/files/demo-0.1.0.tgz': demo,
    }
    const { code, stdout, stderr } = await run()
    assert.equal(code, 0, stdout + stderr)
    const expected = `Basic ${Buffer.from('me:secret').toString('base64')}`
    assert.equal(own.seen.get('/charts/files/demo-0.1.0.tgz')?.authorization, expected)
    own.seen.clear()
    assert.match((await run()).stdout, /^0 created, 1 unchanged/)
    assert.deepEqual([...own.seen.keys()], ['/charts/index.yaml', '/charts/files/demo-0.1.0.tgz.prov'])
  })

  it('asks another host only if it is named, and never with the password', async () => {
    foreignAnswers = { '/demo-0.1.0.tgz': demo }
    answers = { '/charts/index.yaml': index(`${foreign.url}/demo-0.1.0.tgz`) }
    const refused = await run()
    assert.equal(refused.code, 1)
    assert.match(refused.stdout, /it is on another host, "localhost:\d+", which --allow-host does not name/)
    assert.equal(foreign.seen.size, 0)
    assert.equal((await run('--allow-host', `localhost:${foreign.port}`)).code, 0)
    assert.equal(foreign.seen.get('/demo-0.1.0.tgz')?.authorization, undefined)
  })

  it('follows redirects, to allowed hosts only', async () => {
    foreignAnswers = { '/demo-0.1.0.tgz': demo }
    const elsewhere = `${foreign.url}/demo-0.1.0.tgz`
    answers = {
      '/charts/index.yaml': index('demo-0.1.0.tgz'),
      '/charts/demo-0.1.0.tgz': (response) => response.writeHead(302, { location: elsewhere }).end(),
    }
    assert.match((await run()).stdout, /^refused .*: it is on another host/)
    assert.equal((await run('--allow-host', `localhost:${foreign.port}`)).code, 0)
  })

  const refusals: readonly (readonly [string, RegExp, () => Answers])[] = [
    [
      'an archive with another digest than in the index',
      /the archive has the digest [0-9a-f]{64}, and should have a{64}/,
      () => ({
        '/charts/index.yaml': index('demo-0.1.0.tgz', `, digest: ${'a'.repeat(64)}`),
        '/charts/demo-0.1.0.tgz': demo,
      }),
    ],
    [
      'an archive that is not there',
      /the index names it, but it is not there/,
      () => ({ '/charts/index.yaml': index('demo-0.1.0.tgz') }),
    ],
    [
      'an archive that is larger than an upload may be',
      /larger than/,
      () => ({
        '/charts/index.yaml': index('demo-0.1.0.tgz'),
        '/charts/demo-0.1.0.tgz': Buffer.alloc(128 * 1024),
      }),
    ],
    [
      'an answer that is no archive and no absence',
      /answered 500 for "\/charts\/demo-0\.1\.0\.tgz\.prov"/,
      () => ({
        '/charts/index.yaml': index('demo-0.1.0.tgz'),
        '/charts/demo-0.1.0.tgz.prov': (response) => response.writeHead(500).end(),
      }),
    ],
    [
      'a URL without TLS',
      /is not asked over HTTPS/,
      () => ({ '/charts/index.yaml': index('http://localhost/x.tgz') }),
    ],
    ['an entry without a URL', /the index names no URL/, () => ({ '/charts/index.yaml': index('') })],
  ]
  for (const [what, message, build] of refusals) {
    it(`refuses ${what}`, async () => {
      answers = build()
      const { code, stdout } = await run()
      assert.equal(code, 1)
      assert.match(stdout, message)
      assert.match(stdout, /^0 created, 0 unchanged, 1 refused/m)
      assert.deepEqual(await filesBelow(installation.storage).then(blobsAmong), [])
    })
  }

  it('does not wait for an archive that never ends', async () => {
    answers = {
      '/charts/index.yaml': index('demo-0.1.0.tgz'),
      '/charts/demo-0.1.0.tgz': (response) => response.writeHead(200).write('x'),
    }
    const { code, stdout } = await run('--timeout', '1s')
    assert.equal(code, 1)
    assert.match(stdout, /no end of the file within 1 s/)
    assert.deepEqual(await filesBelow(installation.storage).then(blobsAmong), [])
  })

  it('refuses what is no index', async () => {
    answers = { '/charts/index.yaml': 'hello' }
    assert.match((await run()).stderr, /no index of a chart repository/)
    answers = {}
    assert.match((await run()).stderr, /has no index\.yaml/)
  })
})

function blobsAmong(files: readonly string[]): readonly string[] {
  return files.filter((file) => !file.includes('catalog.db'))
}
