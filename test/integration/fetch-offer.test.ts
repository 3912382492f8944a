import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { parseDigest } from '../../src/chart/digest.ts'
import { parseChartMetadata } from '../../src/chart/metadata.ts'
import { archive as tar, chart, chartYaml, type ChartSource } from '../support/chart-builder.ts'
import { DockerRegistry } from '../support/docker-registry.ts'
import { eventually } from '../support/eventually.ts'
import { assertStored } from '../support/leftovers.ts'
import { MIRROR, MirroredUpstream } from '../support/mirrored-upstream.ts'
import { requireTool } from '../support/optional-tool.ts'
import { actorNow } from '../support/use-cases.ts'

const DEMO: ChartSource = { name: 'demo', version: '1.0.0' }
const FILE = 'demo-1.0.0.tgz'
const PATH = `/charts/${FILE}`

describe('fetching what an upstream offers', () => {
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

  it('stores the archive once, signed, with the date of the upstream, and says for whom', async () => {
    const createdAt = new Date('2023-04-05T06:07:08Z')
    await mirrored.offer(DEMO, archive, { createdAt })
    const first = await mirrored.open(FILE)
    equal(first.cacheStatus, 'fetched')
    equal(first.digest, createHash('sha256').update(archive).digest('hex'))
    equal((await mirrored.open(FILE)).cacheStatus, 'hit')
    equal(mirrored.requestsFor(PATH), 1)

    const { fragment, publishedBy, provenance, reading } = first.version
    match(fragment, /"created":"2023-04-05T06:07:08/)
    deepEqual([publishedBy, provenance.origin, reading], ['mirror up', 'server', 'strict'])
    const [row] = await mirrored.audit()
    deepEqual(
      [row?.action, row?.outcome, row?.who, row?.detail],
      ['publish', 'done', 'mirror up', 'fetched for somebody'],
    )
    deepEqual(await mirrored.fetches(), { stored: 1 })
    const bytes = await mirrored.metrics.mirrors.fetches.bytes.get()
    equal(bytes.values[0]?.value, archive.length)
  })

  it('asks for nothing that was purged', async () => {
    await mirrored.offer(DEMO, archive)
    const digest = parseDigest(createHash('sha256').update(archive).digest('hex'))
    const { catalog } = mirrored.stores
    await catalog.purge(digest, { repository: 'everywhere', reason: 'a password' }, actorNow())
    await rejects(mirrored.open(FILE), { code: 'chart-unknown', message: /demo 1\.0\.0: it was rejected/ })
    await mirrored.offer(DEMO, archive)
    await rejects(mirrored.open(FILE), { code: 'chart-unknown' })
    equal(mirrored.requestsFor(PATH), 0)
    await assertNothingLeft()
  })

  it('stores nothing that is rejected while it is on its way', async () => {
    let answer: (() => void) | undefined
    await mirrored.offer(DEMO, archive)
    mirrored.serve(PATH, (response) => {
      answer = () => response.end(archive)
    })
    const refused = rejects(mirrored.open(FILE), {
      code: 'chart-unknown',
      message: /demo 1\.0\.0 of upstream up: it was rejected by an administrator/,
    })
    await eventually(() => {
      ok(answer)
    })
    const { offers } = mirrored.stores.catalog
    const { name, version } = parseChartMetadata(chartYaml(DEMO))
    await offers.rejectOffers({ repository: MIRROR, chart: name, versions: [version] }, actorNow())
    answer?.()
    await refused
    await assertNothingLeft()
  })

  it('asks for nothing that is rejected while it waits for its turn', async () => {
    await mirrored.configure({}, { concurrency: 1 })
    let answer: (() => void) | undefined
    const other = await chart({ name: 'other' })
    await mirrored.offer({ name: 'other' }, other)
    await mirrored.offer(DEMO, archive)
    mirrored.serve('/charts/other-0.1.0.tgz', (response) => {
      answer = () => response.end(other)
    })
    const first = mirrored.open('other-0.1.0.tgz')
    await eventually(() => {
      ok(answer)
    })
    const refused = rejects(mirrored.open(FILE), { code: 'chart-unknown', message: /rejected/ })
    const { name, version } = parseChartMetadata(chartYaml(DEMO))
    await mirrored.stores.catalog.offers.rejectOffers(
      { repository: MIRROR, chart: name, versions: [version] },
      actorNow(),
    )
    answer?.()
    await Promise.all([first, refused])
    equal(mirrored.requestsFor(PATH), 0)
  })

  it('asks the upstream once, however many ask at a time', async () => {
    let answer: (() => void) | undefined
    await mirrored.offer(DEMO, archive)
    mirrored.serve(PATH, (response) => {
      answer = () => response.end(archive)
    })
    const asked = Promise.all(Array.from({ length: 50 }, () => mirrored.open(FILE)))
    await eventually(() => {
      ok(answer)
    })
    answer?.()
    const files = await asked
    deepEqual(new Set(files.map(({ digest }) => digest)).size, 1)
    equal(mirrored.requestsFor(PATH), 1)
    deepEqual(await mirrored.fetches(), { stored: 1 })
  })

  it('asks for as many files at a time as the mirror may', async () => {
    await mirrored.configure({}, { concurrency: 2 })
    const waiting: (() => void)[] = []
    let most = 0
    const names = ['a', 'b', 'c', 'd', 'e']
    for (const name of names) {
      const file = await chart({ name })
      await mirrored.offer({ name }, file)
      mirrored.serve(`/charts/${name}-0.1.0.tgz`, (response) => {
        most = Math.max(
          most,
          waiting.push(() => response.end(file)),
        )
      })
    }
    const asked = Promise.all(names.map((name) => mirrored.open(`${name}-0.1.0.tgz`)))
    let done = false
    void asked.then(() => (done = true))
    await eventually(() => {
      waiting.shift()?.()
      ok(done)
    })
    equal(most, 2)
  })

  it('takes it from two processes at a time as from one', async () => {
    const answers: (() => void)[] = []
    await mirrored.offer(DEMO, archive)
    mirrored.serve(PATH, (response) => answers.push(() => response.end(archive)))
    const asked = Promise.all([mirrored.open(FILE), mirrored.openElsewhere(FILE)])
    await eventually(() => {
      equal(answers.length, 2)
    })
    for (const answer of answers) answer()
    const [one, other] = await asked
    equal(one.digest, other.digest)
    deepEqual(await mirrored.fetches(), { stored: 1, unchanged: 1 })
    deepEqual(await mirrored.stores.catalog.countVersions(MIRROR), [{ name: 'demo', versions: 1 }])
  })

  it('takes a chart of a registry, of which a classic index gives the digest of the manifest', async function () {
    requireTool(this, 'docker-registry', 'no chart is fetched from a real registry')
    const registry = await DockerRegistry.start()
    try {
      const config = JSON.stringify({ apiVersion: 'v2', ...DEMO })
      const digest = await registry.push('charts/demo', '1.0.0', { config, archive })
      const host = registry.url.replace(/^http:/, 'oci:')
      await mirrored.configure({ url: host, charts: ['demo'], insecure: true })
      await mirrored.offer(DEMO, archive, { digest, urls: [`${host}/charts/demo:1.0.0`] })
      equal((await mirrored.open(FILE)).digest, createHash('sha256').update(archive).digest('hex'))
    } finally {
      await registry.stop()
    }
  })

  it('looks again after a reading of the index for what it does not know, and for nothing else', async () => {
    let readings = 0
    mirrored.ensureFresh = async () => {
      readings += 1
      await mirrored.offer(DEMO, archive)
      return undefined
    }
    equal((await mirrored.open(FILE)).cacheStatus, 'fetched')
    const later = { name: 'demo', version: '2.0.0' }
    await mirrored.offer(later, await chart(later))
    await mirrored.open('demo-2.0.0.tgz')
    equal(readings, 1)
    await rejects(mirrored.open('demo-3.0.0.tgz'), { code: 'chart-unknown', message: /there is no chart/ })
  })

  it('refuses bytes of another digest than the index says, and raises an alarm once', async () => {
    const other = await chart({ ...DEMO, files: { 'values.yaml': 'evil: true\n' } })
    await mirrored.offer(DEMO, archive)
    mirrored.serve(PATH, (response) => response.end(other))
    const refusal = {
      code: 'upstream-invalid',
      message: /the archive has the digest [0-9a-f]{64}, and the index says/,
    }
    await rejects(mirrored.open(FILE), refusal)
    await rejects(mirrored.open(FILE), refusal)
    await assertNothingLeft()
    const alarms = (await mirrored.audit()).filter(({ action }) => action === 'mirror-alarm')
    equal(alarms.length, 1)
    match(alarms[0]?.detail ?? '', /^digest-mismatch/)
    equal((await mirrored.metrics.mirrors.alarms.get()).values[0]?.value, 1)
    equal(mirrored.logLines.filter((line) => line.includes('"level":50')).length, 1)
    await assertComesBack({ refused: 2, stored: 1 })
  })

  it('takes an archive of which the index says no digest', async () => {
    await mirrored.offer(DEMO, archive, { digest: 'none' })
    equal((await mirrored.open(FILE)).cacheStatus, 'fetched')
  })

  it('refuses an archive of another chart or version than was offered', async () => {
    for (const source of [
      { name: 'other', version: '1.0.0' },
      { name: 'demo', version: '2.0.0' },
    ]) {
      const other = await chart(source)
      await mirrored.offer(DEMO, archive, { digest: 'none' })
      mirrored.serve(PATH, (response) => response.end(other))
      await rejects(mirrored.open(FILE), {
        code: 'upstream-invalid',
        message: /the archive is of "(other|demo)"/,
      })
      await assertNothingLeft()
    }
  })

  it('takes what only Helm itself reads, marked, unless the upstream is to be read strictly', async () => {
    const odd = await tar([
      { name: 'demo/Chart.yaml', content: chartYaml(DEMO) },
      { name: 'demo/values.yaml', content: 'a: 1\n' },
      { name: 'demo/values.yaml', content: 'a: 2\n' },
    ])
    await mirrored.offer(DEMO, odd)
    await mirrored.configure({ reading: 'strict' })
    await rejects(mirrored.open(FILE), {
      code: 'upstream-invalid',
      message: /demo 1\.0\.0 of upstream up: .*twice/,
    })
    await assertNothingLeft()
    await mirrored.configure()
    equal((await mirrored.open(FILE)).version.reading, 'lenient')
  })

  it('refuses an archive that is none inside, with the reason', async () => {
    const broken = await tar([{ name: 'demo/values.yaml', content: 'a: 1\n' }])
    await mirrored.offer(DEMO, broken)
    await rejects(mirrored.open(FILE), { code: 'upstream-invalid', message: /Chart\.yaml/ })
    await assertRefused(/Chart\.yaml/)
  })

  it('remembers for a while what the upstream does not have, and forgets it with a new configuration', async () => {
    await mirrored.offer(DEMO, archive)
    mirrored.serve(PATH, (response) => response.writeHead(404).end())
    const absence = { code: 'chart-unknown', message: /of upstream up: it does not have demo-1\.0\.0\.tgz/ }
    await rejects(mirrored.open(FILE), absence)
    await rejects(mirrored.open(FILE), absence)
    equal(mirrored.requestsFor(PATH), 1)
    mirrored.now = new Date(mirrored.now.getTime() + 61_000)
    await rejects(mirrored.open(FILE), absence)
    equal(mirrored.requestsFor(PATH), 2)
    await mirrored.configure()
    await assertComesBack({ absent: 2, stored: 1 })
  })

  it('leaves an upstream alone that has failed again and again, for longer each time', async () => {
    await mirrored.offer(DEMO, archive)
    mirrored.serve(PATH, (response) => response.writeHead(503).end())
    for (let count = 0; count < 5; count += 1) await rejects(mirrored.open(FILE), { message: /answered 503/ })
    const left = (seconds: number) => ({
      code: 'unavailable',
      message: new RegExp(`left alone for ${seconds} s`),
    })
    await rejects(mirrored.open(FILE), left(5))
    equal(mirrored.requestsFor(PATH), 5)
    mirrored.now = new Date(mirrored.now.getTime() + 5_001)
    await rejects(mirrored.open(FILE), { message: /answered 503/ })
    await rejects(mirrored.open(FILE), left(10))
    const suspended = await mirrored.metrics.mirrors.fetches.suspendedUntil.get()
    equal(suspended.values[0]?.value, (mirrored.now.getTime() + 10_000) / 1000)
    mirrored.now = new Date(mirrored.now.getTime() + 10_001)
    await assertComesBack({ failed: 6, stored: 1 })
    equal((await mirrored.metrics.mirrors.fetches.suspendedUntil.get()).values[0]?.value, 0)
  })

  it('asks nobody while offline, and serves what is stored', async () => {
    await mirrored.offer(DEMO, archive)
    await mirrored.open(FILE)
    const later = { name: 'demo', version: '2.0.0' }
    await mirrored.offer(later, await chart(later))
    await mirrored.configure({}, { offline: true })
    equal((await mirrored.open(FILE)).cacheStatus, 'hit')
    await rejects(mirrored.open('demo-2.0.0.tgz'), { code: 'unavailable', message: /this mirror is offline/ })
    equal(mirrored.requestsFor('/charts/demo-2.0.0.tgz'), 0)
  })

  it('stops when the server does, and leaves nothing behind', async () => {
    let arrived = 0
    await mirrored.offer(DEMO, archive)
    mirrored.serve(PATH, (response) => {
      arrived += 1
      response.writeHead(200).write(archive.subarray(0, 10))
    })
    const asked = rejects(mirrored.open(FILE), { code: 'request-aborted' })
    await eventually(() => {
      equal(arrived, 1)
    })
    await mirrored.interrupt()
    await asked
    await assertNothingLeft()
    deepEqual(await mirrored.fetches(), { interrupted: 1 })
  })

  it('says why what is offered cannot be had', async () => {
    const until = new Date('2099-01-02T03:04:05Z')
    await mirrored.offer(DEMO, archive, { judgement: { state: 'held', heldUntil: until } })
    const unknown = (message: RegExp) => ({ code: 'chart-unknown', message })
    await rejects(mirrored.open(FILE), unknown(/held back until 2099-01-02T03:04:05/))
    const { catalog } = mirrored.stores
    const actor = { who: 'admin', from: 'here', requestId: '1', at: new Date() }
    const selection = { repository: MIRROR, chart: 'demo' as never }
    await catalog.offers.rejectOffers(selection, actor)
    await rejects(mirrored.open(FILE), unknown(/rejected by an administrator/))
    equal(mirrored.requestsFor(PATH), 0)
  })

  it('does not fetch again what was deleted here', async () => {
    await mirrored.offer(DEMO, archive)
    const { version } = await mirrored.open(FILE)
    const by = { who: 'x', from: '', requestId: '', at: new Date() }
    await mirrored.stores.catalog.withdrawVersion(version, by)
    await rejects(mirrored.open(FILE), { code: 'chart-unknown', message: /it was deleted here/ })
    equal(mirrored.requestsFor(PATH), 1)
  })

  it('stores nothing where the repository is read-only or full', async () => {
    await mirrored.offer(DEMO, archive)
    mirrored.repositorySettings = { access: 'read-only' }
    await rejects(mirrored.open(FILE), { code: 'read-only' })
    mirrored.repositorySettings = { quota: { versions: 0 } }
    await rejects(mirrored.open(FILE), { code: 'quota-exceeded' })
    equal(mirrored.requestsFor(PATH), 0)
    mirrored.repositorySettings = { quota: { bytes: 10 } }
    await rejects(mirrored.open(FILE), { code: 'quota-exceeded', message: /has no room for this/ })
    await assertNothingLeft()
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
