import assert from 'node:assert/strict'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import request from 'supertest'
import { type TestPeer } from '../support/test-ca.ts'
import { TestServer } from '../support/test-server.ts'

describe('the ops listener', () => {
  let server: TestServer
  let reader: TestPeer

  before(async () => {
    server = await TestServer.start()
    reader = await server.reader()
  })

  after(async () => {
    await server.close()
  })

  it('lives', async () => {
    await request(server.opsUrl).get('/livez').expect(200, 'ok\n')
  })

  it('is ready while catalog and blobs can be used, and says which cannot', async () => {
    const ready = await request(server.opsUrl).get('/readyz').expect(200)
    assert.deepEqual((ready.body as { checks: unknown }).checks, { catalog: 'ok', blobs: 'ok' })
    const tmp = join(server.config.storage, 'tmp')
    await rm(tmp, { recursive: true, force: true })
    await writeFile(tmp, 'in the way')
    try {
      const broken = await request(server.opsUrl).get('/readyz').expect(503)
      const { ready: isReady, checks } = broken.body as { ready: boolean; checks: Record<string, string> }
      assert.deepEqual([isReady, checks['catalog']], [false, 'ok'])
      assert.notEqual(checks['blobs'], 'ok')
    } finally {
      await rm(tmp)
    }
    await request(server.opsUrl).get('/readyz').expect(200)
  })

  it('counts requests of verified peers by route and status', async () => {
    const { ca, cert, key } = reader
    const agent = request.agent(server.url, { ca, cert, key })
    await agent.get('/index.yaml').expect(200)
    await agent.post('/api/charts').send('x').expect(403)
    const { text } = await request(server.opsUrl).get('/metrics').expect(200)
    assert.match(
      text,
      /chartroom_requests_total\{method="GET",route="\/\{\*repository\/\}index\.yaml",status="200"\} 1/,
    )
    assert.match(text, /chartroom_requests_total\{method="POST",route="[^"]+charts",status="403"\} 1/)
    assert.match(text, /process_resident_memory_bytes \d+/)
  })

  it('changes nothing and serves nothing else', async () => {
    await request(server.opsUrl).post('/livez').expect(405)
    await request(server.opsUrl).get('/index.yaml').expect(404)
  })
})
