import assert from 'node:assert/strict'
import { chart } from '../support/chart-builder.ts'
import { eventually } from '../support/eventually.ts'
import { type TestPeer } from '../support/test-ca.ts'
import { jsonOf, TestServer, type Reply } from '../support/test-server.ts'

describe('templates and values of a version', () => {
  let server: TestServer
  let admin: TestPeer

  before(async () => {
    server = await TestServer.start({ settings: { audit: { reads: 'on' } } })
    admin = await server.admin()
  })

  after(async () => {
    await server.close()
  })

  async function publish(name: string, files: Readonly<Record<string, string>>): Promise<void> {
    const body = await chart({ name, version: '1.0.0', files })
    const { status, reason } = await server.request(admin, 'POST', '/api/charts', { body })
    assert.equal(status, 201, reason)
  }

  async function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> {
    return server.request(admin, 'GET', `/api/charts/${path}`, { headers })
  }

  it("are the chart's own, and not those of charts inside it", async () => {
    await publish('parent', {
      'templates/one.yaml': 'one',
      'templates/tests/two.yaml': 'two',
      'charts/child/Chart.yaml': 'apiVersion: v2\nname: child\nversion: 1.0.0\n',
      'charts/child/templates/three.yaml': 'three',
      'charts/child/values.yaml': 'child: true\n',
    })
    const data = (text: string) => Buffer.from(text).toString('base64')
    assert.deepEqual(jsonOf(await get('parent/1.0.0/templates')), {
      templates: [
        { name: 'templates/one.yaml', data: data('one') },
        { name: 'templates/tests/two.yaml', data: data('two') },
      ],
      values: {},
    })
    assert.equal((await get('parent/1.0.0/values')).status, 404)
  })

  it('are not sent again to who has them', async () => {
    await publish('cached', { 'values.yaml': 'a: 1\n' })
    for (const what of ['templates', 'values']) {
      const { headers } = await get(`cached/1.0.0/${what}`)
      assert.match(String(headers.etag), new RegExp(`^"[0-9a-f]{64}\\.${what}"$`))
      const again = await get(`cached/1.0.0/${what}`, { 'if-none-match': String(headers.etag) })
      assert.deepEqual([again.status, again.bytes.length], [304, 0])
    }
  })

  it('say so where the values can be read by Helm only', async () => {
    await publish('margin', { 'values.yaml': 'a: [\n  1\n]\n' })
    const { values, valuesError } = jsonOf(await get('margin/1.0.0/templates')) as Record<string, unknown>
    assert.equal(values, null)
    assert.match(String(valuesError), /^values\.yaml is not YAML: line 3/)
    assert.equal((await get('margin/1.0.0/values')).bytes.toString(), 'a: [\n  1\n]\n')
  })

  it('are refused where they are more than the server holds for one request', async () => {
    const large = 'x'.repeat(4.5 * 1024 * 1024)
    await publish('large', {
      'values.yaml': 'a: 1\n',
      'templates/a': large,
      'templates/b': large,
      'templates/c': large,
      'templates/d': large,
    })
    const reply = await get('large/1.0.0/templates')
    assert.equal(reply.status, 413)
    assert.match(reply.reason, /^Payload Too Large: these files are larger than 16777216 bytes together/)
    assert.equal((await get('large/1.0.0/values')).bytes.toString(), 'a: 1\n')
  })

  it('are reads that the audit trail can show', async () => {
    await publish('watched', { 'values.yaml': 'a: 1\n' })
    await get('watched/1.0.0/values')
    await get('watched/latest/templates')
    await eventually(async () => {
      const reply = await server.request(admin, 'GET', '/api/audit?action=read')
      const entries = jsonOf(reply) as { chart: string; version: string; detail: string }[]
      const watched = entries.filter((entry) => entry.chart === 'watched')
      assert.deepEqual(
        watched.map(({ version, detail }) => [version, detail]),
        [
          ['1.0.0', 'templates'],
          ['1.0.0', 'values'],
        ],
      )
    })
  })
})
