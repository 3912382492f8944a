import { deepEqual, equal, ok, rejects } from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { openMirror } from '../../src/app/open-mirror.ts'
import { type Offers } from '../../src/catalog/offers.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { completeMirror } from '../../src/config/mirror.ts'
import { mirrorSchema } from '../../src/config/mirror-schema.ts'
import { AppError } from '../../src/errors.ts'
import { type Mirror } from '../../src/mirror/mirror.ts'
import { refreshMirror, type RefreshDeps } from '../../src/mirror/refresh.ts'
import { Metrics } from '../../src/ops/metrics.ts'
import { actor } from '../support/catalog-samples.ts'
import { intercept } from '../support/intercept.ts'
import { UpstreamServer } from '../support/upstream-server.ts'
import { readWhole } from '../support/whole-index.ts'

const repository = parseRepositoryName('mirror')
/** Of one chart. */
const VERSIONS = 450

describe('refreshing a mirror', () => {
  let folder: string
  let catalog: SqliteCatalog
  let upstream: UpstreamServer
  let mirror: Mirror

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'chartroom-refresh-'))
    catalog = await SqliteCatalog.open({ file: join(folder, 'catalog.db') })
    await catalog.createRepository(repository, actor())
    upstream = await UpstreamServer.start()
    const body = indexText()
    upstream.answers = { '/index.yaml': (response) => response.writeHead(200, { etag: '"1"' }).end(body) }
    mirror = await openMirror(repository, mirrorConfig(upstream), {
      userAgent: 'test',
      now: () => new Date(),
    })
  })

  afterEach(async () => {
    mirror.close()
    await upstream.close()
    await catalog.close()
    await rm(folder, { recursive: true })
  })

  function deps(offers: Offers = catalog.offers): RefreshDeps {
    const appendAudit: RefreshDeps['catalog']['appendAudit'] = (...entries) => catalog.appendAudit(...entries)
    return {
      catalog: { offers, appendAudit },
      metrics: new Metrics(),
      log: pino({ level: 'silent' }),
      now: () => new Date(),
      withdraw: () => Promise.reject(new Error('nothing is to be withdrawn')),
    }
  }

  async function listed(): Promise<number> {
    const index = await readWhole(catalog, repository)
    return index?.charts.reduce((sum, { fragments }) => sum + fragments.length, 0) ?? 0
  }

  it('writes in small transactions, and lets others have their turn between them', async () => {
    const sizes: number[] = []
    let turns = 0
    const offers = intercept<Offers, 'recordOffers'>(
      catalog.offers,
      ['recordOffers'],
      async (_name, call) => {
        equal(turns, sizes.length)
        setImmediate(() => {
          turns += 1
        })
        const before = await listed()
        const outcome = await call()
        sizes.push((await listed()) - before)
        return outcome
      },
    )
    const { upstreams } = await refreshMirror(deps(offers), mirror)
    equal(upstreams[0]?.offered, VERSIONS)
    ok(sizes.length > 4 && sizes.every((size) => size <= 100), sizes.join(' '))
    equal(await listed(), VERSIONS)
  })

  it('does again what was interrupted', async () => {
    const failing = intercept<Offers, 'recordOffers'>(
      catalog.offers,
      ['recordOffers'],
      async (_name, call) => {
        if ((await listed()) >= 200) throw new TypeError('the process dies')
        return call()
      },
    )
    await rejects(refreshMirror(deps(failing), mirror), /the process dies/)
    const [record] = await catalog.offers.listUpstreams(repository)
    deepEqual([record?.checkedAt, record?.validators.etag], [undefined, undefined])
    const { upstreams } = await refreshMirror(deps(), mirror)
    equal(upstreams[0]?.offered, VERSIONS - 200)
    equal(await listed(), VERSIONS)
  })

  it('writes nothing when it is broken off while it reads', async () => {
    const stop = new AbortController()
    upstream.answers = {
      '/index.yaml': (response) => {
        response.write(indexText().slice(0, 1000))
        stop.abort()
      },
    }
    const refreshing = refreshMirror(deps(), mirror, { signal: stop.signal })
    await rejects(refreshing, (error) => error instanceof AppError && error.code === 'request-aborted')
    equal(await listed(), 0)
    equal((await catalog.offers.listUpstreams(repository))[0]?.failure, undefined)
  })

  it('is done by one process at a time', async () => {
    const other = await SqliteCatalog.open({ file: join(folder, 'catalog.db') })
    const both = await Promise.all([refreshMirror(deps(), mirror), refreshMirror(deps(other.offers), mirror)])
    await other.close()
    deepEqual(both.map(({ outcome }) => outcome).sort(), ['busy', 'done'])
    equal(upstream.requests.length, 1)
  })

  it('asks no upstream that is still fresh, where it need not', async () => {
    await refreshMirror(deps(), mirror, { extent: 'stale' })
    deepEqual((await refreshMirror(deps(), mirror, { extent: 'stale' })).upstreams, [])
    equal(upstream.requests.length, 1)
    equal((await refreshMirror(deps(), mirror)).upstreams[0]?.outcome, 'unchanged')
    equal(upstream.requests[1]?.headers['if-none-match'], '"1"')
    equal((await refreshMirror(deps(), mirror, { extent: 'all' })).upstreams[0]?.outcome, 'changed')
    equal(upstream.requests[2]?.headers['if-none-match'], undefined)
  })
})

function mirrorConfig({ port }: UpstreamServer): ReturnType<typeof completeMirror> {
  const url = `http://localhost:${port}`
  const upstream = { name: 'up', url, insecure: true, privateAddresses: ['127.0.0.0/8', '::1/128'] }
  return completeMirror(mirrorSchema.parse({ upstreams: [upstream] }), (path) => path, 1_000_000)
}

function indexText(): string {
  const demo = Array.from({ length: VERSIONS }, (_, minor) => ({
    apiVersion: 'v2',
    name: 'demo',
    version: `1.${minor}.0`,
    digest: minor.toString(16).padStart(64, '0'),
    urls: [`demo-1.${minor}.0.tgz`],
  }))
  return JSON.stringify({ apiVersion: 'v1', entries: { demo } })
}
