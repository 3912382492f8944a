import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Environment } from '../../src/config/env.ts'
import { createAgent } from '../../src/publishing/http-client.ts'
import { type ChartPackage, openChart } from '../../src/publishing/package-chart.ts'
import {
  type ClientOptions,
  RepositoryClient,
  type UploadOutcome,
} from '../../src/publishing/repository-client.ts'
import { parseRepositoryUrl } from '../../src/publishing/repository-url.ts'
import { writeTree } from '../support/chart-tree.ts'
import { answer, type Answer, ScriptedServer } from '../support/scripted-server.ts'
import { TestCa } from '../support/test-ca.ts'

const CREATED = answer(201, JSON.stringify({ saved: true, outcome: 'created', digest: 'ab'.repeat(32) }))
/** As ChartMuseum answers. */
const SAVED = answer(201, '{"saved":true}')

describe('RepositoryClient', () => {
  let ca: TestCa
  let folder: string
  let chart: ChartPackage
  let server: ScriptedServer | undefined
  let waits: number[]

  before(async () => {
    ca = await TestCa.create()
    folder = await mkdtemp(join(tmpdir(), 'chartroom-client-'))
    await writeTree(folder, {
      'Chart.yaml': 'apiVersion: v2\nname: demo\nversion: 0.1.0\n',
      noise: randomBytes(500_000),
    })
    chart = { ...(await openChart(folder, { provenance: 'none' })), provenance: Buffer.from('signed') }
  })

  after(async () => {
    await rm(folder, { recursive: true })
  })

  beforeEach(() => {
    waits = []
  })

  afterEach(async () => {
    await server?.close()
    server = undefined
  })

  async function upload(
    path = '',
    options: Partial<ClientOptions> & { readonly environment?: Environment } = {},
    onBytes: (count: number) => void = () => undefined,
  ): Promise<UploadOutcome> {
    const { environment = {}, ...others } = options
    const agent = createAgent({ ca: [ca.certificatePem] }, environment)
    const client = new RepositoryClient({
      repository: parseRepositoryUrl(`${server?.url ?? ''}${path}`),
      force: 'unforced',
      agent,
      userAgent: 'chartroom/test',
      timeoutMs: 10_000,
      retry: {
        retries: 3,
        random: () => 1,
        onRetry: () => undefined,
        wait: (delayMs) => {
          waits.push(delayMs)
          return Promise.resolve()
        },
      },
      now: () => new Date(),
      terminated: new AbortController().signal,
      ...others,
    })
    try {
      return await client.upload(chart, { onAttempt: () => undefined, onBytes })
    } finally {
      agent.destroy()
    }
  }

  async function serve(...answers: readonly Answer[]): Promise<ScriptedServer> {
    server = await ScriptedServer.start(ca, answers)
    return server
  }

  it('sends archive and provenance in one form of known length', async () => {
    const { requests } = await serve(CREATED)
    let sent = 0
    const outcome = await upload('', {}, (count) => {
      sent += count
    })
    assert.deepEqual(outcome, { kind: 'stored', outcome: 'created', digest: 'ab'.repeat(32) })
    const [request] = requests
    assert.ok(request)
    assert.deepEqual([request.method, request.url, requests.length], ['POST', '/api/charts', 1])
    assert.deepEqual(
      [request.headers['content-length'], sent],
      [String(request.body.length), request.body.length],
    )
    assert.equal(request.headers['user-agent'], 'chartroom/test')
    assert.match(request.headers['content-type'] ?? '', /^multipart\/form-data; boundary=chartroom-/)
    assert.ok(request.body.includes(part('chart', 'demo-0.1.0.tgz', chart.archive)))
    assert.ok(request.body.includes(part('prov', 'demo-0.1.0.tgz.prov', Buffer.from('signed'))))
  })

  function part(field: string, filename: string, content: Buffer): Buffer {
    const head = `content-disposition: form-data; name="${field}"; filename="${filename}"\r\n`
    const type = 'content-type: application/octet-stream\r\n\r\n'
    return Buffer.concat([Buffer.from(`\r\n${head}${type}`), content, Buffer.from('\r\n--chartroom-')])
  }

  it('names its own digest where the server does not say what it stored', async () => {
    await serve(SAVED)
    assert.deepEqual(await upload(), { kind: 'stored', outcome: 'stored', digest: chart.digest })
  })

  for (const status of [429, 502, 503, 504]) {
    it(`tries again after ${status}`, async () => {
      const { requests } = await serve(answer(status), answer(status), CREATED)
      assert.equal((await upload()).kind, 'stored')
      assert.deepEqual(waits, [500, 1000])
      assert.equal(requests.length, 3)
      assert.ok(requests.every(({ body }) => body.length === requests[0]?.body.length))
    })
  }

  it('waits as long as Retry-After says', async () => {
    await serve(answer(503, '', { 'retry-after': '9' }), CREATED)
    await upload()
    assert.deepEqual(waits, [9000])
  })

  it('throws the server’s words once there are no attempts left', async () => {
    await serve(answer(503, '{"error":"the disk is being exchanged"}'))
    await assert.rejects(upload(), {
      code: 'unavailable',
      message: /^localhost:\d+: 503 the disk is being exchanged$/,
    })
    assert.equal(waits.length, 3)
  })

  const refusals: readonly (readonly [string, Answer, number, string])[] = [
    ['the error of the body', answer(409, '{"error":"it exists"}', {}, 'Conflict: it'), 409, 'it exists'],
    [
      'the reason phrase without one',
      answer(403, '<html>', {}, 'Forbidden: not you'),
      403,
      'Forbidden: not you',
    ],
    ['the standard phrase without both', answer(400, '', {}, ''), 400, 'Bad Request'],
    ['nothing that a terminal would obey', answer(400, '{"error":"a\\u001b[2Jb"}'), 400, 'a\\u001b[2Jb'],
    ['an error of the server’s own, once', answer(500, '{"error":"internal error"}'), 500, 'internal error'],
    ['a full repository, once', answer(507, '{"error":"full"}'), 507, 'full'],
  ]
  for (const [what, reply, status, words] of refusals) {
    it(`gives ${what}`, async () => {
      await serve(reply)
      assert.deepEqual(await upload(), { kind: 'refused', status, words })
      assert.deepEqual(waits, [])
    })
  }

  it('sends nothing of the chart to who has refused it before', async () => {
    server = await ScriptedServer.start(ca, [answer(403, '{"error":"not you"}')], 'early answer')
    let sent = 0
    const outcome = await upload('', {}, (count) => {
      sent += count
    })
    assert.deepEqual([outcome, sent], [{ kind: 'refused', status: 403, words: 'not you' }, 0])
  })

  it('sends it all the same to a server that never says "100 Continue"', async () => {
    server = await ScriptedServer.start(ca, [CREATED], 'never')
    assert.equal((await upload()).kind, 'stored')
  })

  it('gives up an attempt that takes too long, and tries again', async () => {
    const { requests } = await serve(() => undefined, CREATED)
    assert.equal((await upload('', { timeoutMs: 300 })).kind, 'stored')
    assert.equal(requests.length, 2)
  })

  it('says how long it has waited when no attempt was in time', async () => {
    await serve(() => undefined)
    await assert.rejects(upload('', { timeoutMs: 100 }), {
      code: 'unavailable',
      message: /no reply within 0\.1 s/,
    })
  })

  it('does not try again when the process is to end', async () => {
    const termination = new AbortController()
    await serve(() => {
      termination.abort()
    })
    await assert.rejects(upload('', { terminated: termination.signal }), { code: 'request-aborted' })
    assert.deepEqual(waits, [])
  })

  describe('the context path', () => {
    const index = (contextPath: string) =>
      `{"apiVersion":"v1","serverInfo":{"contextPath":"${contextPath}"},"entries":{`

    it('is read from the beginning of the index', async () => {
      const { requests } = await serve((response) => {
        // The index has no end: it must not be waited for.
        response.writeHead(200).write(`${index('/helm')}${' '.repeat(100_000)}`)
      }, CREATED)
      assert.equal((await upload('/helm/team-a')).kind, 'stored')
      assert.deepEqual(
        requests.map(({ url }) => url),
        ['/helm/team-a/index.yaml', '/helm/api/team-a/charts'],
      )
    })

    for (const [what, reply] of [
      ['who may not read the index', answer(403)],
      ['a repository that is yet to be made', answer(404, index('/helm'))],
      ['an index that does not say', answer(200, 'apiVersion: v1\n')],
    ] as const) {
      it(`is none for ${what}`, async () => {
        const { requests } = await serve(reply, CREATED)
        await upload('/team-a')
        assert.equal(requests[1]?.url, '/api/team-a/charts')
      })
    }

    it('is not asked for where it is given, or there can be none', async () => {
      const { requests } = await serve(CREATED)
      await upload('/helm/team-a', { contextPath: '/helm' })
      await upload()
      assert.deepEqual(
        requests.map(({ url }) => url),
        ['/helm/api/team-a/charts', '/api/charts'],
      )
    })
  })

  describe('behind a proxy', () => {
    let proxy: Server
    let tunnels: string[]

    beforeEach(async () => {
      tunnels = []
      proxy = createServer()
      proxy.on('connect', (request, client) => {
        tunnels.push(request.url ?? '')
        const { port } = new URL(`http://${request.url ?? ''}`)
        const target = connect(Number(port), '127.0.0.1', () => {
          client.write('HTTP/1.1 200 Connection Established\r\n\r\n')
          target.pipe(client).pipe(target)
        })
        for (const socket of [client, target]) socket.on('error', () => undefined)
      })
      proxy.listen(0, '127.0.0.1')
      await once(proxy, 'listening')
    })

    afterEach(async () => {
      proxy.closeAllConnections()
      proxy.close()
      await once(proxy, 'close')
    })

    it('goes through the one that the environment names, verified from end to end', async () => {
      const { url } = await serve(CREATED)
      const environment = { HTTPS_PROXY: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` }
      assert.equal((await upload('', { environment })).kind, 'stored')
      assert.deepEqual(tunnels, [new URL(url).host])
    })
  })
})
