import assert from 'node:assert/strict'
import { chart } from '../support/chart-builder.ts'
import { Installation } from '../support/installation.ts'
import { ServerProcess } from '../support/server-process.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'

const HUB_ID = '6d7e1f0a-0000-4000-8000-000000000000'

interface Place {
  readonly title: string
  readonly contextPath: string
  /** With the slash that follows it; `''` for the root one. */
  readonly repository: string
}

const PLACES: readonly Place[] = [
  { title: 'the root repository', contextPath: '', repository: '' },
  { title: 'a repository as a tenant of depth 2', contextPath: '', repository: 'org/team/' },
  { title: 'the root repository under a context path', contextPath: '/museum', repository: '' },
  {
    title: 'a repository under a context path of two segments',
    contextPath: '/a/b',
    repository: 'org/team/',
  },
]

/**
 * ChartMuseum's routes and their statuses, `REPO/` standing for the repository. What differs on purpose is in
 * docs/chartmuseum.md.
 */
type Case = readonly [method: string, path: string, status: number, expected: Expected]

/** A type of content, words at the beginning of `error`, or the whole body. */
type Expected = { type: string } | { error: RegExp } | { json: unknown } | { text: RegExp } | 'no body'

const YAML = { type: 'application/x-yaml' }
const JSON_TYPE = { type: 'application/json; charset=utf-8' }
const NO_CHART = { error: /^chart not found: / }
const NO_FILE = { error: /^object not found: / }
const NO_VERSION = (what: string) => ({ error: new RegExp(`^no chart version found for ${what}: `) })
const BAD_OFFSET = { json: { error: 'offset is not a valid non-negative integer' } }
const BAD_LIMIT = { json: { error: 'limit is not a valid positive integer' } }

const CASES: readonly Case[] = [
  ['GET', '/', 200, { text: /<h1>Chartroom<\/h1>/ }],
  ['GET', '', 200, { type: 'text/html; charset=utf-8' }],
  ['HEAD', '/', 200, 'no body'],
  ['GET', '/info', 200, { text: /^\{"version":"\d+\.\d+\.\d+"\}/ }],
  ['HEAD', '/info', 200, 'no body'],
  ['GET', '/health', 200, { json: { healthy: true } }],
  ['HEAD', '/health', 200, 'no body'],
  ['GET', '/metrics', 404, { error: /^there is nothing at GET/ }],
  ['GET', '/static/main.css', 404, { error: /^there is nothing at GET/ }],

  ['GET', '/REPO/index.yaml', 200, YAML],
  ['HEAD', '/REPO/index.yaml', 200, 'no body'],
  ['GET', '/never/seen/index.yaml', 404, { error: /there is no repository never\/seen/ }],

  ['GET', '/REPO/charts/demo-0.2.0.tgz', 200, { type: 'application/gzip' }],
  ['HEAD', '/REPO/charts/demo-0.2.0.tgz', 200, 'no body'],
  ['GET', '/REPO/charts/demo-0.2.0.tgz.prov', 200, { type: 'application/pgp-signature' }],
  ['HEAD', '/REPO/charts/demo-0.2.0.tgz.prov', 200, 'no body'],
  ['GET', '/REPO/charts/demo-9.9.9.tgz', 404, NO_FILE],
  ['HEAD', '/REPO/charts/demo-9.9.9.tgz', 404, 'no body'],
  ['GET', '/REPO/charts/demo-9.9.9.tgz.prov', 404, NO_FILE],
  ['GET', '/REPO/charts/demo-0.2.0.txt', 404, { error: /^there is nothing at GET/ }],
  ['GET', '/REPO/charts/..%2f..%2fcatalog.db.tgz', 404, NO_FILE],

  ['GET', '/REPO/artifacthub-repo.yml', 200, YAML],
  ['GET', '/REPO/artifacthub-repo.yml', 200, { text: new RegExp(`^repositoryID: ${HUB_ID}\n$`) }],
  ['HEAD', '/REPO/artifacthub-repo.yml', 200, 'no body'],
  ['GET', '/bare/artifacthub-repo.yml', 404, { json: { error: 'Artifact Hub repository ID not found' } }],

  ['GET', '/api/REPO/charts', 200, JSON_TYPE],
  ['HEAD', '/api/REPO/charts', 200, 'no body'],
  ['GET', '/api/REPO/charts?offset=-1', 400, BAD_OFFSET],
  ['GET', '/api/REPO/charts?offset=a', 400, BAD_OFFSET],
  ['GET', '/api/REPO/charts?offset=', 400, BAD_OFFSET],
  ['GET', '/api/REPO/charts?limit=0', 400, BAD_LIMIT],
  ['GET', '/api/REPO/charts?limit=-1', 400, BAD_LIMIT],
  ['GET', '/api/REPO/charts?limit=1.5', 400, BAD_LIMIT],
  ['GET', '/api/REPO/charts?offset=100&limit=1', 200, { json: {} }],

  ['GET', '/api/REPO/charts/demo', 200, { text: /^\[\{.*"2\.0\.0-rc\.1".*"0\.10\.0".*"0\.2\.0".*\}\]/ }],
  ['HEAD', '/api/REPO/charts/demo', 200, 'no body'],
  ['GET', '/api/REPO/charts/none', 404, NO_CHART],
  ['HEAD', '/api/REPO/charts/none', 404, 'no body'],
  ['GET', '/api/REPO/charts/No_Such%20Chart', 404, NO_CHART],

  ['GET', '/api/REPO/charts/demo/0.2.0', 200, { text: /"version":"0\.2\.0"/ }],
  ['HEAD', '/api/REPO/charts/demo/0.2.0', 200, 'no body'],
  ['GET', '/api/REPO/charts/demo/latest', 200, { text: /"version":"0\.10\.0"/ }],
  ['GET', '/api/REPO/charts/demo/%5E0.2', 200, { text: /"version":"0\.2\.0"/ }],
  ['GET', '/api/REPO/charts/demo/~0.10', 200, { text: /"version":"0\.10\.0"/ }],
  ['GET', '/api/REPO/charts/demo/*', 200, { text: /"version":"0\.10\.0"/ }],
  ['GET', '/api/REPO/charts/demo/%3E=0.2,%20%3C0.10', 200, { text: /"version":"0\.2\.0"/ }],
  ['GET', '/api/REPO/charts/demo/%3E0-0', 200, { text: /"version":"2\.0\.0-rc\.1"/ }],
  ['GET', '/api/REPO/charts/demo/2.0.0-rc.1', 200, { text: /"version":"2\.0\.0-rc\.1"/ }],
  ['GET', '/api/REPO/charts/demo/1.2.3', 404, NO_VERSION('demo-1\\.2\\.3')],
  ['HEAD', '/api/REPO/charts/demo/1.2.3', 404, 'no body'],
  ['GET', '/api/REPO/charts/demo/2', 404, NO_VERSION('demo-2')],
  ['GET', '/api/REPO/charts/demo/latest.tgz', 404, { error: /improper constraint: "latest\.tgz"/ }],
  ['GET', '/api/REPO/charts/none/latest', 404, NO_VERSION('none-latest')],
  ['GET', '/api/REPO/charts/preview/latest', 404, { error: /there is no preview here but pre-releases/ }],

  ['GET', '/api/REPO/charts/demo/0.2.0/templates', 200, JSON_TYPE],
  ['HEAD', '/api/REPO/charts/demo/0.2.0/templates', 200, 'no body'],
  ['GET', '/api/REPO/charts/demo/9.9.9/templates', 404, NO_VERSION('demo-9\\.9\\.9')],
  ['GET', '/api/REPO/charts/demo/0.2.0/values', 200, { type: 'application/yaml' }],
  ['GET', '/api/REPO/charts/demo/0.2.0/values', 200, { text: /^greeting: hello # as it is\n$/ }],
  ['HEAD', '/api/REPO/charts/demo/0.2.0/values', 200, 'no body'],
  ['GET', '/api/REPO/charts/demo/latest/values', 200, { text: /^greeting: hello\n$/ }],
  ['GET', '/api/REPO/charts/plain/1.0.0/values', 404, { error: /plain 1\.0\.0 has no values\.yaml/ }],
  ['GET', '/api/REPO/charts/demo/9.9.9/values', 404, NO_VERSION('demo-9\\.9\\.9')],

  ['DELETE', '/api/REPO/charts/demo/9.9.9', 404, NO_VERSION('demo-9\\.9\\.9')],
  ['DELETE', '/api/REPO/charts/demo/latest', 404, NO_VERSION('demo-latest')],
  ['DELETE', '/api/REPO/charts/none', 404, NO_CHART],
  ['DELETE', '/api/REPO/charts/demo/', 400, { error: /leave out the last \/ to delete all/ }],
  ['DELETE', '/api/REPO/charts/demo/?x', 400, { error: /leave out the last \/ to delete all/ }],
  ['DELETE', '/api/REPO/charts', 404, { error: /^there is nothing at DELETE/ }],
  ['PUT', '/api/REPO/charts', 405, { error: /"PUT" is not used here/ }],
]

for (const place of PLACES) describePlace(place)

function describePlace({ title, contextPath, repository }: Place): void {
  describe(`ChartMuseum's API of ${title}`, () => {
    let server: TestServer
    let admin: TestPeer

    before(async () => {
      const name = repository.replace(/\/$/, '') || '/'
      const repositories = [{ name, artifactHubId: HUB_ID }, { name: 'bare' }]
      server = await TestServer.start({ settings: { contextPath, repositories } })
      admin = await server.admin()
      const published = [
        { name: 'demo', version: '0.2.0', files: { 'values.yaml': 'greeting: hello # as it is\n' } },
        { name: 'demo', version: '0.10.0' },
        { name: 'demo', version: '2.0.0-rc.1' },
        { name: 'plain', version: '1.0.0', files: {} },
        { name: 'preview', version: '1.0.0-alpha' },
      ]
      for (const source of published) {
        const { status, reason } = await request('POST', '/api/REPO/charts', await chart(source))
        assert.equal(status, 201, reason)
      }
    })

    after(async () => {
      await server.close()
    })

    async function request(method: string, path: string, body?: Buffer): Promise<Reply> {
      const whole = `${contextPath}${path.replace('REPO/', repository)}`
      return server.request(admin, method, whole, body === undefined ? {} : { body })
    }

    for (const [method, path, status, expected] of CASES) {
      it(`answers ${status} to ${method} ${path}`, async () => {
        const reply = await request(method, path)
        assert.equal(reply.status, status, reply.reason)
        assertExpected(reply, expected)
        assert.match(String(reply.headers['x-request-id']), /./)
      })
    }

    it('says in the index where its paths begin', async () => {
      const { serverInfo } = jsonOf(await request('GET', '/REPO/index.yaml')) as { serverInfo: unknown }
      assert.deepEqual(serverInfo, { contextPath })
    })

    it('gives templates in base64 and the values as Helm reads them', async () => {
      const reply = await request('GET', '/api/REPO/charts/demo/0.10.0/templates')
      const { templates, values } = jsonOf(reply) as {
        templates: { name: string; data: string }[]
        values: unknown
      }
      assert.deepEqual(values, { greeting: 'hello' })
      assert.deepEqual(
        templates.map(({ name }) => name),
        ['templates/configmap.yaml'],
      )
      assert.match(
        Buffer.from(templates[0]?.data ?? '', 'base64').toString(),
        /^apiVersion: v1\nkind: ConfigMap/,
      )
    })

    it('deletes a version with its provenance, before it answers', async () => {
      const version = { name: 'gone', version: '1.0.0' }
      await request('POST', '/api/REPO/charts', await chart(version))
      const reply = await request('DELETE', '/api/REPO/charts/gone/1.0.0')
      assert.deepEqual([reply.status, jsonOf(reply)], [200, { deleted: true }])
      for (const path of [
        '/REPO/charts/gone-1.0.0.tgz',
        '/REPO/charts/gone-1.0.0.tgz.prov',
        '/api/REPO/charts/gone',
      ]) {
        assert.equal((await request('GET', path)).status, 404, path)
      }
      assert.equal((await request('DELETE', '/api/REPO/charts/gone/1.0.0')).status, 404)
    })
  })
}

function assertExpected(reply: Reply, expected: Expected): void {
  if (expected === 'no body') assert.equal(reply.bytes.length, 0)
  else if ('type' in expected) assert.equal(reply.headers['content-type'], expected.type)
  else if ('json' in expected) assert.deepEqual(jsonOf(reply), expected.json)
  else if ('text' in expected) assert.match(reply.bytes.toString(), expected.text)
  else assert.match((jsonOf(reply) as { error: string }).error, expected.error)
}

describe('a context path', () => {
  it('leaves nothing outside of itself', async () => {
    const server = await TestServer.start({ settings: { contextPath: 'museum/' } })
    try {
      for (const path of [
        '/',
        '/index.yaml',
        '/health',
        '/api/charts',
        '/museums/index.yaml',
        '/museumindex.yaml',
      ]) {
        const { status, reason } = await server.request(await server.reader(), 'GET', path)
        assert.deepEqual([status, reason.slice(0, 30)], [404, 'Not Found: there is nothing at'], path)
      }
    } finally {
      await server.close()
    }
  })

  it('comes from the command line and is in the URLs that are printed', async () => {
    const installation = await Installation.create()
    const server = ServerProcess.command(installation, 'serve', '--context-path', '/museum')
    try {
      const url = `https://localhost:${await server.port()}/museum`
      assert.match(server.output, new RegExp(`helm repo add chartroom ${url} `))
      assert.match(server.output, new RegExp(` ${url}/api/charts\n`))
    } finally {
      await server.kill('SIGTERM')
      await server.exited
      await installation.remove()
    }
  })

  it('changes the ETag of the index', async () => {
    const tags: string[] = []
    for (const contextPath of ['', '/museum']) {
      const server = await TestServer.start({ settings: { contextPath } })
      const { headers } = await server.request(await server.reader(), 'GET', `${contextPath}/index.yaml`)
      tags.push(String(headers.etag).replace(/^"[^.]*/, ''))
      await server.close()
    }
    assert.notEqual(tags[0], tags[1])
  })
})
