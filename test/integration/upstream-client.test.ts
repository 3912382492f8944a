import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { type IncomingHttpHeaders } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { type TLSSocket } from 'node:tls'
import { createBandwidth } from '../../src/mirror/bandwidth.ts'
import { createUpstreamClient, type UpstreamRequest } from '../../src/mirror/upstream-client.ts'
import { type Upstream } from '../../src/mirror/upstream.ts'
import { eventually } from '../support/eventually.ts'
import { TestCa } from '../support/test-ca.ts'
import { upstreamAt, UpstreamServer, type UpstreamAnswer } from '../support/upstream-server.ts'

const PATH = '/charts/a.tgz'

const say =
  (
    status: number,
    body: string | Buffer = '',
    headers: Readonly<Record<string, string>> = {},
  ): UpstreamAnswer =>
  (response) => {
    response.writeHead(status, headers).end(body)
  }

describe('the client of an upstream', () => {
  let ca: TestCa
  let own: UpstreamServer
  let foreign: UpstreamServer
  const others: UpstreamServer[] = []

  before(async () => {
    ca = await TestCa.create()
  })

  beforeEach(async () => {
    const tls = await ca.server()
    own = await UpstreamServer.start({ cert: tls.cert, key: tls.key })
    foreign = await UpstreamServer.start({ cert: tls.cert, key: tls.key })
  })

  afterEach(async () => {
    for (const server of [own, foreign, ...others.splice(0)]) await server.close()
  })

  async function get(
    url: URL = own.url(PATH),
    settings: Partial<Upstream> = {},
    request: Partial<UpstreamRequest> = {},
  ) {
    const upstream = upstreamAt(own.url('/charts'), ca.certificatePem, settings)
    const client = createUpstreamClient(upstream, { userAgent: 'chartroom/test', now: () => new Date() })
    try {
      const reply = await client.get(url, { maxBytes: 1000, ...request })
      return reply.kind === 'body' ? { ...reply, text: (await buffer(reply.stream)).toString() } : reply
    } finally {
      client.close()
    }
  }

  it('gives the file with what is needed to ask again', async () => {
    own.answers = {
      [PATH]: say(200, 'hello', { etag: '"1"', 'last-modified': 'then', 'content-type': 'x/y' }),
    }
    const reply = await get()
    ok(reply.kind === 'body' && 'text' in reply)
    const { text, etag, lastModified, contentType, finalUrl } = reply
    deepEqual([text, etag, lastModified, contentType], ['hello', '"1"', 'then', 'x/y'])
    equal(finalUrl.href, own.url(PATH).href)
  })

  it('asks whether a file has changed', async () => {
    own.answers = { [PATH]: say(304) }
    equal((await get(undefined, {}, { etag: '"1"', lastModified: 'then' })).kind, 'not-modified')
    const { headers = {} } = own.requests[0] ?? {}
    deepEqual([headers['if-none-match'], headers['if-modified-since']], ['"1"', 'then'])
  })

  it('knows what is not there', async () => {
    equal((await get()).kind, 'absent')
    own.answers = { [PATH]: say(410) }
    equal((await get()).kind, 'absent')
  })

  it('asks no host that is not listed, also behind a redirect', async () => {
    const elsewhere = foreign.url('/a.tgz')
    const notListed = { code: 'upstream-invalid', message: /is another host, which hosts does not list/ }
    own.answers = { [PATH]: say(302, '', { location: elsewhere.href }) }
    foreign.answers = { '/a.tgz': say(200, 'there') }
    await rejects(get(), notListed)
    await rejects(get(elsewhere), notListed)
    await rejects(get(undefined, { hosts: ['localhost:1'] }), notListed)
    equal(foreign.requests.length, 0)
    for (const host of ['localhost', elsewhere.host]) {
      const reply = await get(undefined, { hosts: [host] })
      equal('text' in reply && reply.text, 'there')
    }
  })

  it('shows credentials and the client certificate to the upstream alone', async () => {
    const client = await ca.client()
    const { cert, key } = await ca.server()
    const asking = await UpstreamServer.start({ cert, key, ca: ca.certificatePem, requestCert: true })
    const listed = await UpstreamServer.start({ cert, key, requestCert: true, rejectUnauthorized: false })
    others.push(asking, listed)
    const sawCertificate: boolean[] = []
    const look =
      (answer: UpstreamAnswer): UpstreamAnswer =>
      (response, request) => {
        const socket = request.socket as unknown as TLSSocket
        sawCertificate.push(Object.keys(socket.getPeerCertificate()).length > 0)
        answer(response, request)
      }
    asking.answers = { '/a': look(say(302, '', { location: listed.url('/a').href })) }
    listed.answers = { '/a': look(say(200, 'there')) }
    const settings = {
      url: asking.url('/'),
      tls: { ca: [ca.certificatePem], cert: client.cert, key: client.key },
      hosts: ['localhost'],
      credentials: { kind: 'basic', user: 'me', password: 'secret' },
    } as const
    const reply = await get(asking.url('/a'), settings)
    equal('text' in reply && reply.text, 'there')
    deepEqual(sawCertificate, [true, false])
    const expected = `Basic ${Buffer.from('me:secret').toString('base64')}`
    equal(asking.requests[0]?.headers.authorization, expected)
    equal(listed.requests[0]?.headers.authorization, undefined)
    await get(asking.url('/a'), { ...settings, credentials: { kind: 'bearer', token: 'abc' } })
    equal(asking.requests[1]?.headers.authorization, 'Bearer abc')
    await rejects(get(asking.url('/a'), { url: asking.url('/') }), {
      message: /refused the TLS handshake|broke/,
    })
  })

  it('connects to no private address that is not listed, by name or by number', async () => {
    const refusal = {
      code: 'upstream-invalid',
      message: /is at a private address .*127\.0\.0\.1|"127\.0\.0\.1" is at/,
    }
    await rejects(get(undefined, { privateAddresses: [{ address: '10.0.0.0', prefix: 8 }] }), refusal)
    const url = own.url('/charts', '127.0.0.1')
    await rejects(get(own.url(PATH, '127.0.0.1'), { url, privateAddresses: [] }), refusal)
    own.answers = { [PATH]: say(302, '', { location: 'https://169.254.169.254/latest' }) }
    await rejects(get(undefined, { hosts: ['169.254.169.254'] }), {
      code: 'upstream-invalid',
      message: '"169.254.169.254" is at a private address, in no network that privateAddresses lists',
    })
  })

  it('leaves HTTPS for no redirect, and uses HTTP only where that is allowed', async () => {
    const plain = await UpstreamServer.start()
    others.push(plain)
    plain.answers = { '/a': say(200, 'plain') }
    own.answers = { [PATH]: say(302, '', { location: plain.url('/a').href }) }
    await rejects(get(undefined, { hosts: ['localhost'] }), {
      message: /redirects to "http:", away from HTTPS/,
    })
    await rejects(get(plain.url('/a'), { hosts: ['localhost'] }), { message: /is not asked over HTTPS/ })
    const reply = await get(plain.url('/a'), { url: plain.url('/') })
    equal('text' in reply && reply.text, 'plain')
  })

  const refusals: readonly (readonly [
    what: string,
    answer: UpstreamAnswer,
    code: string,
    message: RegExp,
  ])[] = [
    [
      'a loop of redirects',
      say(302, '', { location: PATH }),
      'upstream-invalid',
      /redirects more than 5 times/,
    ],
    ['a redirect to nowhere', say(302), 'upstream-invalid', /answered 302/],
    [
      'a redirect to a file',
      say(302, '', { location: 'file:///etc' }),
      'upstream-invalid',
      /away from HTTPS/,
    ],
    [
      'credentials that it refuses',
      say(401),
      'upstream-invalid',
      /answered 401 .*: it refuses our credentials/,
    ],
    ['an error of the server', say(500), 'unavailable', /localhost:\d+ answered 500 for "\/charts\/a\.tgz"/],
    [
      'a declared length that is too much',
      say(200, 'x'.repeat(1001)),
      'upstream-invalid',
      /more than 1000 bytes/,
    ],
    [
      'a body without end',
      (response) => {
        const more = (): void => {
          if (!response.destroyed) response.write('x'.repeat(100), more)
        }
        more()
      },
      'upstream-invalid',
      /sends more than 1000 bytes/,
    ],
    [
      'a body that is cut off',
      (response) => response.writeHead(200, { 'content-length': 10 }).write('x', () => response.destroy()),
      'unavailable',
      /the connection broke/,
    ],
    ['a connection that breaks', (response) => response.destroy(), 'unavailable', /the connection broke/],
  ]
  for (const [what, answer, code, message] of refusals) {
    it(`refuses ${what}`, async () => {
      own.answers = { [PATH]: answer }
      await rejects(get(), { code, message })
    })
  }

  it('refuses 304 where nothing was asked about an earlier answer', async () => {
    own.answers = { [PATH]: say(304) }
    await rejects(get(), {
      code: 'upstream-invalid',
      message: /answers 304 to what was not asked conditionally/,
    })
  })

  it('says when to come again', async () => {
    for (const status of [429, 503]) {
      own.answers = { [PATH]: say(status, '', { 'retry-after': '17' }) }
      await rejects(get(), { code: 'unavailable', retryAfterS: 17 })
    }
  })

  it('says an hour where an upstream wants more', async () => {
    for (const wanted of ['3601', '99999999999999999999', '9'.repeat(400)]) {
      own.answers = { [PATH]: say(503, '', { 'retry-after': wanted }) }
      await rejects(get(), { code: 'unavailable', retryAfterS: 3600 })
    }
  })

  it('waits for a file only until its deadline', async () => {
    own.answers = { [PATH]: (response) => response.writeHead(200).write('x') }
    await rejects(get(undefined, { timeoutMs: 300 }), {
      code: 'unavailable',
      message: /no end of the file within 0\.3 s/,
    })
  })

  it('waits for a connection only so long', async () => {
    const silent = createServer(() => undefined).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const url = new URL(`https://localhost:${(silent.address() as AddressInfo).port}/a`)
    await rejects(get(url, { url, connectTimeoutMs: 200 }), {
      code: 'unavailable',
      message: /no connection within 0\.2 s/,
    })
    silent.close()
  })

  it('stops when it is told to', async () => {
    own.answers = { [PATH]: (response) => response.writeHead(200).write('x') }
    const stop = new AbortController()
    const got = get(undefined, {}, { signal: stop.signal })
    await eventually(() => {
      equal(own.requests.length, 1)
    })
    stop.abort()
    await rejects(got, { code: 'request-aborted' })
  })

  it('ends the download of a body that nobody wants', async () => {
    let isClosed = false
    own.answers = {
      [PATH]: (response) => {
        response.once('close', () => (isClosed = true))
        response.write('x')
      },
    }
    const upstream = upstreamAt(own.url('/charts'), ca.certificatePem)
    const client = createUpstreamClient(upstream, { userAgent: 'x', now: () => new Date() })
    const reply = await client.get(own.url(PATH), { maxBytes: 10 })
    ok(reply.kind === 'body')
    reply.stream.destroy()
    await eventually(() => {
      ok(isClosed)
    })
    client.close()
  })

  it('refuses a server whose certificate has expired, or is from a CA that nobody named', async () => {
    const now = Date.now()
    const dates = { notBefore: new Date(now - 172_800_000), notAfter: new Date(now - 86_400_000) }
    const { cert, key } = await ca.server(['localhost'], dates)
    const expired = await UpstreamServer.start({ cert, key })
    others.push(expired)
    await rejects(get(expired.url('/a'), { url: expired.url('/') }), {
      code: 'upstream-invalid',
      message: /certificate has expired/,
    })
    const stranger = await TestCa.create()
    await rejects(get(undefined, { tls: { ca: [stranger.certificatePem] } }), {
      code: 'upstream-invalid',
      message: /is not trusted here: name that CA's certificate as ca/,
    })
  })

  it('goes through a proxy, which looks the names up', async () => {
    const proxy = await UpstreamServer.start()
    others.push(proxy)
    const targets: string[] = []
    const headers: IncomingHttpHeaders[] = []
    proxy.tunnelTo(own.port, targets, headers)
    own.answers = { [PATH]: say(200, 'through') }
    const through = proxy.url('/', '127.0.0.1')
    through.username = 'me'
    through.password = 'pw'
    const settings = { proxy: through, privateAddresses: [] }
    const reply = await get(undefined, settings)
    equal('text' in reply && reply.text, 'through')
    deepEqual(targets, [own.url('/').host])
    match(String(headers[0]?.['proxy-authorization']), /^Basic /)
    equal(own.requests[0]?.headers['proxy-authorization'], undefined)
    await rejects(get(own.url(PATH, '127.0.0.1'), { ...settings, url: own.url('/', '127.0.0.1') }), {
      message: /is at a private address/,
    })
    equal(targets.length, 1)
  })

  it('keeps to its bandwidth', async () => {
    own.answers = { [PATH]: say(200, 'x'.repeat(900)) }
    const waits: number[] = []
    const wait = async (delayMs: number): Promise<void> => {
      waits.push(delayMs)
      await Promise.resolve()
    }
    const upstream = upstreamAt(own.url('/charts'), ca.certificatePem)
    const bandwidth = createBandwidth(1000, { clock: () => 0, wait })
    const client = createUpstreamClient(upstream, { userAgent: 'x', bandwidth, now: () => new Date() })
    const reply = await client.get(own.url(PATH), { maxBytes: 1000 })
    ok(reply.kind === 'body')
    await buffer(reply.stream)
    client.close()
    equal(waits.at(-1), 650)
  })
})
