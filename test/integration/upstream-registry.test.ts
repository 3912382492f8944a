import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { type IndexBatch } from '../../src/mirror/index-entries.ts'
import { readOciIndex } from '../../src/mirror/oci/read-oci-index.ts'
import { ociRepository } from '../../src/mirror/oci/reference.ts'
import { listTags } from '../../src/mirror/oci/tags.ts'
import { createRegistry } from '../../src/mirror/oci/registry.ts'
import { createUpstreamClient } from '../../src/mirror/upstream-client.ts'
import { type UpstreamEntry } from '../../src/mirror/upstream-entry.ts'
import { createUpstreamPackages } from '../../src/mirror/upstream-packages.ts'
import { ownOrigin, type Upstream } from '../../src/mirror/upstream.ts'
import { chart } from '../support/chart-builder.ts'
import { DockerRegistry } from '../support/docker-registry.ts'
import { requireTool } from '../support/optional-tool.ts'
import { TestCa } from '../support/test-ca.ts'
import { upstreamAt, UpstreamServer } from '../support/upstream-server.ts'

const now = (): Date => new Date()
const LIMITS = { maxBytes: 1_000_000 }
const everything = { exclude: [], prereleases: true }

function open(upstream: Upstream) {
  const client = createUpstreamClient(upstream, { userAgent: 'chartroom/test', now })
  const registry = createRegistry(upstream, { transport: client.transport, now })
  return { client, registry, packages: createUpstreamPackages(upstream, { client, registry }) }
}

describe('charts in a registry', () => {
  let registry: DockerRegistry
  let archive: Buffer
  let manifestDigest: string
  let upstream: Upstream
  let opened: ReturnType<typeof open>
  const provenance = Buffer.from('-----BEGIN PGP SIGNED MESSAGE-----\n')

  before(async function () {
    requireTool(this, 'docker-registry', 'that charts are read from a real registry')
    registry = await DockerRegistry.start()
    archive = await chart({ version: '1.0.0+build.1' })
    const config = JSON.stringify({
      apiVersion: 'v2',
      name: 'demo',
      version: '1.0.0+build.1',
      appVersion: '7',
    })
    manifestDigest = await registry.push('charts/demo', '1.0.0_build.1', { config, archive, provenance })
    await registry.push('charts/demo', '2.0.0', { config, archive })
    await registry.push('charts/demo', 'latest', { config, archive })
    const url = new URL(registry.url.replace('http:', 'oci:'))
    upstream = { ...upstreamAt(new URL(`${url.href}/charts/demo`), ''), isInsecure: true, tls: { ca: [] } }
    opened = open(upstream)
  })

  after(async () => {
    opened.client.close()
    await registry.stop()
  })

  it('are listed by their tags, with what is in them', async () => {
    const batches: IndexBatch[] = []
    const repositories = [ociRepository(upstream.url, ownOrigin(upstream))]
    const reading = { repositories, filters: everything, known: () => undefined }
    const summary = await readOciIndex(opened.registry, reading, (batch) => void batches.push(batch))
    deepEqual(summary, { entries: 1, filtered: 0, refused: 1 })
    const [entry] = batches[0]?.entries ?? []
    equal(entry?.version, '1.0.0+build.1')
    equal(entry.digest, createHash('sha256').update(archive).digest('hex'))
    equal(entry.createdAt?.toISOString(), '2024-05-06T07:08:09.000Z')
    equal((JSON.parse(entry.fragment) as { appVersion: string }).appVersion, '7')
    equal(batches[0]?.refused[0]?.reason, 'it is "demo" "1.0.0+build.1" inside')
    ok((await buffer((await opened.packages.openArchive(entry, LIMITS)) ?? fail())).equals(archive))
    const known = (): UpstreamEntry => entry
    deepEqual((await readOciIndex(opened.registry, { ...reading, known }, () => undefined)).entries, 2)
  })

  it('are fetched where a classic index names them, by the digest of archive or manifest', async () => {
    const urls = [`oci://${new URL(registry.url).host}/charts/demo:1.0.0_build.1`]
    for (const digest of [undefined, manifestDigest as NonNullable<UpstreamEntry['digest']>]) {
      const stream = await opened.packages.openArchive({ urls, digest }, LIMITS)
      ok((await buffer(stream ?? fail())).equals(archive))
    }
    ok((await opened.packages.readProvenance({ urls, digest: undefined }))?.equals(provenance))
    const wrong = 'a'.repeat(64) as NonNullable<UpstreamEntry['digest']>
    await rejects(opened.packages.openArchive({ urls, digest: wrong }, LIMITS), {
      code: 'upstream-invalid',
      message: /an archive of another digest than the index says/,
    })
  })

  it('can be absent', async () => {
    const host = new URL(registry.url).host
    const absent = { urls: [`oci://${host}/charts/demo:9.9.9`], digest: undefined }
    equal(await opened.packages.openArchive(absent, LIMITS), undefined)
    const unsigned = { urls: [`oci://${host}/charts/demo:2.0.0`], digest: undefined }
    equal(await opened.packages.readProvenance(unsigned), undefined)
    for (const url of [`oci://${host}/charts/demo`, `oci://${host}/X:1`, `oci://${host}/charts/demo:a b`])
      await rejects(opened.packages.openArchive({ urls: [url], digest: undefined }, LIMITS), {
        code: 'upstream-invalid',
      })
  })
})

describe('a registry that asks for tokens', () => {
  let server: UpstreamServer
  let tokens: UpstreamServer
  let store: UpstreamServer
  let ca: TestCa
  let archive: Buffer
  const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

  beforeEach(async () => {
    ca = await TestCa.create()
    const { cert, key } = await ca.server()
    const start = async () => UpstreamServer.start({ cert, key })
    server = await start()
    tokens = await start()
    store = await start()
    archive = await chart()
    const config = { mediaType: 'application/vnd.cncf.helm.config.v1+json', digest: `sha256:${sha256('{}')}` }
    const digest = `sha256:${sha256(archive)}`
    const layers = [{ mediaType: 'application/vnd.cncf.helm.chart.content.v1.tar+gzip', digest }]
    const manifest = JSON.stringify({ schemaVersion: 2, config, layers })
    const realm = tokens.url('/token').href
    const guarded =
      (answer: (response: ServerResponse) => void) =>
      (response: ServerResponse, { headers }: IncomingMessage): void => {
        if (headers.authorization === 'Bearer opensesame') answer(response)
        else
          response
            .writeHead(401, {
              'www-authenticate': `Bearer realm="${realm}",service="reg",scope="repository:*:push"`,
            })
            .end()
      }
    server.answers = {
      '/v2/charts/demo/manifests/1.0.0': guarded((response) => response.end(manifest)),
      [`/v2/charts/demo/blobs/${digest}`]: guarded((response) =>
        response.writeHead(307, { location: store.url('/blob').href }).end(),
      ),
    }
    tokens.answers = { '/token': (response) => response.end('{"token":"opensesame","expires_in":300}') }
    store.answers = { '/blob': (response) => response.end(archive) }
  })

  afterEach(async () => {
    for (const one of [server, tokens, store]) await one.close()
  })

  async function fetchArchive(settings: Partial<Upstream>): Promise<Buffer> {
    const upstream = upstreamAt(new URL(`oci://localhost:${server.port}/charts/demo`), ca.certificatePem, {
      credentials: { kind: 'basic', user: 'me', password: 'pw' },
      ...settings,
    })
    const { client, packages } = open(upstream)
    const urls = [`oci://localhost:${server.port}/charts/demo:1.0.0`]
    try {
      return await buffer((await packages.openArchive({ urls, digest: undefined }, LIMITS)) ?? fail())
    } finally {
      client.close()
    }
  }

  it('is given one, asked for once, and its blob store none', async () => {
    ok((await fetchArchive({ hosts: ['localhost'] })).equals(archive))
    deepEqual(
      tokens.requests.map(({ url, headers }) => [url, headers.authorization]),
      [
        [
          '/token?service=reg&scope=repository%3Acharts%2Fdemo%3Apull',
          `Basic ${Buffer.from('me:pw').toString('base64')}`,
        ],
      ],
    )
    equal(store.requests[0]?.headers.authorization, undefined)
    ok(server.requests.every(({ headers }) => !headers.authorization?.startsWith('Basic')))
  })

  it('gets none from a host that is not listed', async () => {
    await rejects(fetchArchive({}), {
      code: 'upstream-invalid',
      message: /is another host, which hosts does not/,
    })
    equal(tokens.requests.length, 0)
  })

  it('is asked for every page of its tags', async () => {
    server.answers = {
      '/v2/charts/demo/tags/list': (response, { url = '' }) => {
        const isLast = url.includes('last=')
        const link = '</v2/charts/other/tags/list?last=latest&n=1>; rel="next"'
        response.writeHead(200, isLast ? {} : { link }).end(`{"tags":["${isLast ? 'sig' : 'latest'}"]}`)
      },
    }
    const repository = new URL(`oci://localhost:${server.port}/charts/demo`)
    const { client, registry } = open(upstreamAt(repository, ca.certificatePem))
    deepEqual(await listTags(registry, ociRepository(repository)), ['latest', 'sig'])
    client.close()
    deepEqual(
      server.requests.map(({ url }) => url),
      ['/v2/charts/demo/tags/list?n=1000', '/v2/charts/demo/tags/list?last=latest&n=1'],
    )
  })

  it('shows credentials to nobody where it is not the upstream', async () => {
    const elsewhere = new URL('https://charts.example.org/')
    await fetchArchive({ hosts: ['localhost'], url: elsewhere })
    equal(tokens.requests[0]?.headers.authorization, undefined)
  })

  it('is refused with bytes that are not those of the digest, or no token', async () => {
    store.answers = { '/blob': (response) => response.end(Buffer.concat([archive, Buffer.from('x')])) }
    await rejects(fetchArchive({ hosts: ['localhost'] }), {
      message: /a blob has another digest than its name/,
    })
    tokens.answers = { '/token': (response) => response.end('<html>') }
    await rejects(fetchArchive({ hosts: ['localhost'] }), { message: /sends no token/ })
  })
})

function fail(): never {
  throw new Error('there is nothing')
}
