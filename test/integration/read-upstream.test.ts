import assert, { deepEqual, equal, rejects } from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readUpstream } from '../../src/app/read-upstream.ts'
import { loadConfig } from '../../src/config/load.ts'
import { type Upstream } from '../../src/mirror/upstream.ts'
import { TestCa } from '../support/test-ca.ts'

describe('readUpstream', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-upstream-'))
  })

  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function read(fields: object): Promise<Upstream> {
    const upstream = { name: 'a', url: 'https://a.example.org/charts', ...fields }
    const repositories = [{ name: 'm', mirror: { upstreams: [upstream] } }]
    const file = join(folder, 'chartroom.yaml')
    await writeFile(file, JSON.stringify({ repositories }))
    const config = await loadConfig({ config: file }, {})
    const [upstreamConfig] = config.repositories[0]?.mirror?.upstreams ?? []
    assert(upstreamConfig !== undefined)
    return readUpstream(upstreamConfig, new Date())
  }

  it('reads secrets from their files, and the proxy with its password', async () => {
    await writeFile(join(folder, 'pw'), 'p@ss\n', { mode: 0o600 })
    const proxy = { url: 'http://proxy:3128', username: 'me', passwordFile: 'pw' }
    const upstream = await read({ username: 'me', passwordFile: 'pw', proxy })
    deepEqual(upstream.credentials, { kind: 'basic', user: 'me', password: 'p@ss' })
    equal(upstream.proxy?.href, 'http://me:p%40ss@proxy:3128/')
    const { credentials } = await read({ tokenFile: 'pw' })
    deepEqual(credentials, { kind: 'bearer', token: 'p@ss' })
  })

  it('trusts the named CA alone for the upstream, and everybody besides for other hosts', async () => {
    const ca = await TestCa.create()
    const client = await (await ca.client()).write(folder, 'client')
    const upstream = await read({
      ca: client.caFile,
      clientCertificate: client.certFile,
      clientKey: client.keyFile,
    })
    deepEqual(upstream.tls.ca, [ca.certificatePem])
    equal(upstream.tls.cert?.includes('BEGIN CERTIFICATE'), true)
    equal(upstream.foreignTls.ca.at(-1), ca.certificatePem)
    equal(upstream.foreignTls.ca.length > 1, true)
  })

  it('says which file cannot be used', async () => {
    await rejects(read({ tokenFile: 'absent' }), { code: 'key-unusable', message: /absent/ })
  })
})
