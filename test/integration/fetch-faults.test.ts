import { deepEqual, equal, match, rejects } from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chart, type ChartSource } from '../support/chart-builder.ts'
import { assertStored } from '../support/leftovers.ts'
import { MIRROR, MirroredUpstream } from '../support/mirrored-upstream.ts'
import { TestCa } from '../support/test-ca.ts'
import { type UpstreamAnswer, UpstreamServer } from '../support/upstream-server.ts'

const DEMO: ChartSource = { name: 'demo', version: '1.0.0' }
const FILE = 'demo-1.0.0.tgz'
const PATH = `/charts/${FILE}`

describe('an upstream with a fault', () => {
  let mirrored: MirroredUpstream
  let archive: Buffer

  before(async () => {
    archive = await chart(DEMO)
  })

  beforeEach(async () => {
    mirrored = await MirroredUpstream.start()
  })

  afterEach(async () => {
    await mirrored.close()
  })

  async function assertNothingLeft(): Promise<void> {
    await assertStored(mirrored.stores.directory, { blobs: 0 })
    deepEqual(await mirrored.stores.catalog.countVersions(MIRROR), [])
  }

  const passing: Readonly<Record<string, readonly [UpstreamAnswer, RegExp]>> = {
    'drops the connection': [(response) => response.destroy(), /demo 1\.0\.0 of upstream up: .*connection/],
    'says 500': [
      (response) => response.writeHead(500).end(),
      /answered 500 for "\/charts\/demo-1\.0\.0\.tgz"/,
    ],
    'says 429': [(response) => response.writeHead(429, { 'retry-after': '7' }).end(), /answered 429/],
    'breaks off in the middle': [
      (response) => {
        response.writeHead(200, { 'content-length': '100000' })
        response.write(Buffer.from([0x1f, 0x8b, 8, 0]), () => response.destroy())
      },
      /connection/,
    ],
  }
  for (const [what, [answer, message]] of Object.entries(passing)) {
    it(`leaves nothing behind of an upstream that ${what}, and tries again when asked again`, async () => {
      await mirrored.offer(DEMO, archive)
      mirrored.serve(PATH, answer)
      await rejects(mirrored.open(FILE), (error: { code: string; retryAfterS?: number; message: string }) => {
        equal(error.code, 'unavailable')
        match(error.message, message)
        equal(error.retryAfterS, what === 'says 429' ? 7 : undefined)
        return true
      })
      await assertRefused(/fetched for somebody: demo 1\.0\.0/)
      await assertComesBack({ failed: 1, stored: 1 })
    })
  }

  it('gives up on an upstream that is too slow', async () => {
    await mirrored.configure({ timeout: '300ms' })
    await mirrored.offer(DEMO, archive)
    mirrored.serve(PATH, (response) => {
      response.writeHead(200, { 'content-length': '100000' }).write(Buffer.from([0x1f, 0x8b]))
    })
    await rejects(mirrored.open(FILE), { code: 'unavailable', message: /no end of the file within 0\.3 s/ })
    await assertRefused(/no end of the file/)
    await mirrored.configure()
    await assertComesBack({ failed: 1, stored: 1 })
  })

  const lasting: Readonly<Record<string, readonly [UpstreamAnswer, RegExp]>> = {
    'sends a page where an archive is expected': [
      (response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html>hello'),
      /sends something else where an archive is expected/,
    ],
    'sends a file without end': [endless, /sends more than 1000000 bytes/],
    'says how long it is, which is too long': [
      (response) => response.writeHead(200, { 'content-length': '1000001' }).end(),
      /sends more than 1000000 bytes/,
    ],
    'refuses our credentials': [(response) => response.writeHead(403).end(), /refuses our credentials/],
    'leads elsewhere': [
      (response) => response.writeHead(302, { location: 'http://elsewhere.example.org/x.tgz' }).end(),
      /elsewhere\.example\.org/,
    ],
  }
  for (const [what, [answer, message]] of Object.entries(lasting)) {
    it(`refuses what an upstream has that ${what}, and leaves nothing behind`, async () => {
      await mirrored.offer(DEMO, archive)
      mirrored.serve(PATH, answer)
      await rejects(mirrored.open(FILE), { code: 'upstream-invalid', message })
      await assertRefused(message)
      await assertComesBack({ refused: 1, stored: 1 })
    })
  }

  it('refuses an upstream whose certificate has expired', async () => {
    const ca = await TestCa.create()
    const day = 24 * 60 * 60 * 1000
    const [notBefore, notAfter] = [new Date(Date.now() - 9 * day), new Date(Date.now() - day)]
    const { cert, key } = await ca.server(undefined, { notBefore, notAfter })
    const expired = await UpstreamServer.start({ cert, key })
    try {
      const file = join(mirrored.stores.directory, 'upstream-ca.pem')
      await writeFile(file, ca.certificatePem)
      await mirrored.configure({ url: expired.url('').href, insecure: false, ca: file })
      await mirrored.offer(DEMO, archive, { urls: [expired.url(PATH).href] })
      await rejects(mirrored.open(FILE), { code: 'upstream-invalid', message: /expired/ })
      await assertRefused(/expired/)
    } finally {
      await expired.close()
    }
  })

  async function assertRefused(reason: RegExp): Promise<void> {
    await assertNothingLeft()
    const [row] = await mirrored.audit()
    deepEqual([row?.action, row?.outcome, row?.chart, row?.version], ['publish', 'refused', 'demo', '1.0.0'])
    match(row?.detail ?? '', reason)
  }

  async function assertComesBack(fetches: Readonly<Record<string, number>>): Promise<void> {
    mirrored.serve(PATH, (response) => response.end(archive))
    equal((await mirrored.open(FILE)).cacheStatus, 'fetched')
    deepEqual(await mirrored.fetches(), fetches)
    await assertStored(mirrored.stores.directory, { blobs: 2 })
  }
})

function endless(...[response]: Parameters<UpstreamAnswer>): void {
  response.writeHead(200)
  const chunk = Buffer.alloc(64 * 1024)
  chunk.writeUInt16BE(0x1f8b)
  const write = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', write)
  write()
}
