import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { load } from 'js-yaml'
import { chart } from '../support/chart-builder.ts'
import { DockerRegistry } from '../support/docker-registry.ts'
import { eventually } from '../support/eventually.ts'
import { requireTool } from '../support/optional-tool.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, type Reply, TestServer } from '../support/test-server.ts'

const TTL_MS = 600_000
const DAY_MS = 24 * 3_600_000

describe('the mirror of a registry', function () {
  this.timeout(20_000)

  let registry: DockerRegistry
  let server: TestServer
  let reader: TestPeer
  let clock: Date

  before(function () {
    requireTool(this, 'docker-registry', 'that a mirror reads a real registry')
  })

  beforeEach(async () => {
    registry = await DockerRegistry.start()
    clock = new Date()
    const upstream = {
      name: 'first',
      url: `${registry.url.replace('http:', 'oci:')}/charts`,
      charts: ['demo'],
      insecure: true,
      privateAddresses: ['127.0.0.0/8'],
    }
    const repositories = [{ name: 'mirror', mirror: { upstreams: [upstream] } }]
    server = await TestServer.start({ settings: { repositories }, now: () => clock })
    reader = await server.reader()
  })

  afterEach(async () => {
    await server.close()
    await registry.stop()
  })

  async function push(version: string, description: string): Promise<Buffer> {
    const metadata = { apiVersion: 'v2', name: 'demo', version, description }
    const archive = await chart({ name: 'demo', version, metadata })
    await registry.push('charts/demo', version, { config: JSON.stringify(metadata), archive })
    return archive
  }

  async function get(path = 'index.yaml'): Promise<Reply> {
    return server.request(reader, 'GET', `/mirror/${path}`)
  }

  /** With their descriptions. */
  async function listed(): Promise<readonly string[]> {
    const { entries } = load((await get()).bytes.toString()) as {
      entries: Record<string, { version: string; description: string }[]>
    }
    return (entries['demo'] ?? []).map(({ version, description }) => `${version} ${description}`)
  }

  async function auditOf(action: string): Promise<readonly { readonly detail?: string }[]> {
    const reply = await server.request(await server.admin(), 'GET', `/api/audit?action=${action}`)
    return jsonOf(reply) as readonly { readonly detail?: string }[]
  }

  /** The registry has been read once more behind somebody who asks then. */
  async function rereadAfter(ms: number): Promise<void> {
    const readings = (): number => server.logLines.filter((line) => line.includes('index was read')).length
    const before = readings()
    clock = new Date(clock.getTime() + ms)
    await get()
    await eventually(() => {
      equal(readings(), before + 1)
    })
  }

  it('lists its tags, and has its archives fetched as any other', async () => {
    const archive = await push('1.0.0', 'one')
    deepEqual(await listed(), ['1.0.0 one'])
    const fetched = await get('charts/demo-1.0.0.tgz')
    equal(fetched.status, 200)
    ok(fetched.bytes.equals(archive))
    await push('1.1.0', 'new')
    await rereadAfter(TTL_MS)
    deepEqual(await listed(), ['1.1.0 new', '1.0.0 one'])
  })

  it('keeps what a tag meant first, and remembers that it means another by now', async () => {
    await push('1.0.0', 'one')
    deepEqual(await listed(), ['1.0.0 one'])
    await push('1.0.0', 'another')
    await rereadAfter(DAY_MS + TTL_MS)
    const [alarm, ...others] = await auditOf('mirror-alarm')
    match(alarm?.detail ?? '', /^digest-changed, first/)
    deepEqual(others, [])
    const changes = await auditOf('mirror-refresh')
    await rereadAfter(TTL_MS)
    deepEqual(await auditOf('mirror-refresh'), changes)
    deepEqual(await listed(), ['1.0.0 one'])
    equal((await get('charts/demo-1.0.0.tgz')).status, 502)
  })
})
