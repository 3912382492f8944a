import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { json } from 'node:stream/consumers'
import { chart } from '../support/chart-builder.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer } from '../support/test-server.ts'

interface Pushed {
  readonly status: number | undefined
  readonly body: unknown
}

/**
 * What the plugin cm-push 0.10.4 sends for `helm cm-push demo-0.1.0.tgz <url>` (helm-push, `cmd/helm-cm-push/main.go`,
 * `pkg/chartmuseum/upload.go`): the index for the context path, then the archive by itself in a chunked form.
 */
async function cmPush(
  server: TestServer,
  peer: TestPeer,
  { repository, archive, query = '' }: { repository: string; archive: Buffer; query?: string },
): Promise<Pushed> {
  const index = await server.request(peer, 'GET', `${repository}/index.yaml`)
  assert.equal(index.status, 200, index.reason)
  const { serverInfo } = jsonOf(index) as { serverInfo: { contextPath: string } }
  const { contextPath } = serverInfo
  const path = `${contextPath}/api${repository.replace(contextPath, '')}/charts${query}`
  return postChunked(server, peer, path, archive)
}

const BOUNDARY = '7a1d9b5a5b0c4cb7a1e6b3a0b8f0f0e9c1d2e3f4a5b6c7d8e9f0a1b2c3d4'

async function postChunked(
  server: TestServer,
  peer: TestPeer,
  path: string,
  archive: Buffer,
): Promise<Pushed> {
  const filename = `/tmp/helm-push-3141592653/${'a-long-folder/'.repeat(40)}demo-0.1.0.tgz`
  const sending = request(`${server.url}${path}`, {
    method: 'POST',
    agent: false,
    ca: server.ca.certificatePem,
    cert: peer.cert,
    key: peer.key,
    headers: {
      'content-type': `multipart/form-data; boundary=${BOUNDARY}`,
      'transfer-encoding': 'chunked',
      'user-agent': 'Go-http-client/1.1',
      'accept-encoding': 'gzip',
    },
  })
  sending.write(
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="chart"; filename="${filename}"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  )
  for (let start = 0; start < archive.length; start += 100)
    sending.write(archive.subarray(start, start + 100))
  sending.end(`\r\n--${BOUNDARY}--\r\n`)
  const [response] = (await once(sending, 'response')) as [IncomingMessage]
  return { status: response.statusCode, body: await json(response) }
}

for (const contextPath of ['', '/museum']) {
  for (const repository of ['', '/org/team']) {
    describe(`helm cm-push to ${contextPath}${repository || '/'}`, () => {
      let server: TestServer
      let ci: TestPeer
      let archive: Buffer

      beforeEach(async () => {
        server = await TestServer.start({
          settings: { contextPath, overwrite: 'forced', repositories: [{ name: 'org/team' }] },
        })
        ci = await server.publisher()
        archive = await chart({ files: { 'values.yaml': `pad: ${'x'.repeat(5000)}\n` } })
      })

      afterEach(async () => {
        await server.close()
      })

      const push = async (peer: TestPeer, bytes: Buffer, query = ''): Promise<Pushed> =>
        cmPush(server, peer, { repository: `${contextPath}${repository}`, archive: bytes, query })

      it('publishes the first chart of an empty repository', async () => {
        const { status, body } = await push(ci, archive)
        assert.equal(status, 201)
        assert.equal((body as { saved: boolean }).saved, true)
        const { bytes } = await server.request(ci, 'GET', `${contextPath}${repository}/charts/demo-0.1.0.tgz`)
        assert.deepEqual(bytes, archive)
      })

      it('succeeds again with what the plugin has packaged anew', async () => {
        await push(ci, archive)
        const files = { 'values.yaml': `pad: ${'x'.repeat(5000)}\n` }
        const { status, body } = await push(
          ci,
          await chart({ files, mtime: new Date('2026-05-05T05:05:05Z') }),
        )
        assert.equal(status, 201)
        assert.equal((body as { outcome: string }).outcome, 'unchanged')
      })

      it('refuses other content in words that the plugin shows, and takes it by force from who may', async () => {
        await push(ci, archive)
        const other = await chart({ files: { 'values.yaml': 'other: true\n' } })
        const { status, body } = await push(ci, other)
        assert.equal(status, 409)
        assert.match((body as { error: string }).error, /^chart already exists: demo 0\.1\.0 exists/)
        assert.equal((await push(ci, other, '?force')).status, 403)
        assert.equal((await push(await server.admin(), other, '?force')).status, 201)
      })
    })
  }
}
