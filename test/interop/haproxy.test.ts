import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { openTcp, openTls } from '../support/behind-proxy.ts'
import { chart } from '../support/chart-builder.ts'
import { eventually } from '../support/eventually.ts'
import { Haproxy } from '../support/haproxy.ts'
import { freePorts } from '../support/nginx.ts'
import { requireTool } from '../support/optional-tool.ts'
import { TestServer } from '../support/test-server.ts'

/** The client's own, and the one from which haproxy connects. */
const CLIENT = '127.0.0.2'
const HAPROXY = '127.0.0.3'

/** haproxy's ways to send a header, as it writes them for a server. */
const MODES = [
  'send-proxy',
  'send-proxy-v2',
  'send-proxy-v2 proxy-v2-options crc32c,unique-id',
  // Its health checks say LOCAL.
  'send-proxy-v2 check check-ssl verify none inter 50ms',
] as const

describe('real haproxy in front', () => {
  let server: TestServer
  let folder: string
  let ports: readonly number[]
  let haproxy: Haproxy | undefined

  before(async function () {
    requireTool(this, 'haproxy', 'the PROXY protocol is not tried with it')
    server = await TestServer.start({ settings: { proxyProtocol: { from: [HAPROXY] } } })
    folder = await mkdtemp(join(tmpdir(), 'chartroom-haproxy-'))
    ports = await freePorts(MODES.length)
    const config = join(folder, 'haproxy.cfg')
    await writeFile(config, [DEFAULTS, ...MODES.map(section)].join('\n'))
    haproxy = await Haproxy.start(config, ports)
  })

  after(async () => {
    await haproxy?.stop()
    // Undefined where the suite was skipped before they were made.
    await (server as TestServer | undefined)?.close()
    if ((folder as string | undefined) !== undefined) await rm(folder, { recursive: true })
  })

  function section(mode: string, place: number): string {
    return [
      `listen mode-${place}`,
      `  bind 127.0.0.1:${ports[place] ?? 0}`,
      '  unique-id-format %ci:%cp',
      `  server chartroom 127.0.0.1:${server.port} source ${HAPROXY} ${mode}\n`,
    ].join('\n')
  }

  async function send(place: number, head: string, body: Buffer): Promise<string> {
    const { cert, key } = await server.publisher()
    const tcp = await openTcp(ports[place] ?? 0, CLIENT)
    const socket = await openTls(tcp, { ca: server.ca.certificatePem, cert, key })
    const headers = `host: localhost\r\nx-request-id: haproxy-${place}\r\ncontent-length: ${body.length}`
    socket.write(`${head} HTTP/1.1\r\n${headers}\r\nconnection: close\r\n\r\n`)
    socket.write(body)
    return text(socket)
  }

  for (const [place, mode] of MODES.entries()) {
    it(`tells the client's address with "${mode}"`, async () => {
      const body = await chart({ name: `by-haproxy-${place}`, version: '1.0.0' })
      assert.match(await send(place, 'POST /api/charts', body), /^HTTP\/1\.1 201 /)
      await eventually(() => {
        const line = server.logLines.find((candidate) => candidate.includes(`"haproxy-${place}"`)) ?? '{}'
        assert.equal((JSON.parse(line) as { readonly from?: string }).from, CLIENT)
      })
    })
  }

  it('has no header of haproxy refused, those of its health checks neither', async () => {
    const metrics = await (await fetch(`${server.opsUrl}/metrics`)).text()
    assert.match(metrics, /# TYPE chartroom_refused_proxy_headers_total counter\n(?!chartroom_refused_proxy)/)
  })
})

const DEFAULTS = `defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
`
