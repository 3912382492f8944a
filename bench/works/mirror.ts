import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { catalogFileOf } from '../../src/app/stores.ts'
import { SqliteCatalog } from '../../src/catalog/sqlite.ts'
import { parseRepositoryName } from '../../src/chart/repository-name.ts'
import { LoadGenerator } from '../load/load.ts'
import { prepareChartroom, startChartroom } from '../servers/chartroom.ts'
import { LOOP_DELAY_OPTIONS, longestBlock, loopDelayEnvironment } from '../servers/loop-delay.ts'
import { type ChangingUpstream, startUpstream, type Step } from './changing-upstream.ts'
import { type Context, type Measured } from './context.ts'
import { mirrorChecks, type Refresh, type Span } from './mirror-figures.ts'

const SIZE = { charts: 200, each: 100 }
const READERS = 4
const MOST_ROUNDS = 3
const ROUND = ['unchanged', 'one new version', 'all changed'] as const satisfies readonly Step[]
/** Longer than a refresh of everything, so that there is time between two. */
const TTL_S = 20
const POLL_MS = 2

const MIRROR = parseRepositoryName('mirror')
const UPSTREAM = 'up'

/** Refreshes of a mirror's index while readers get it; what has changed upstream differs from one to the next. */
export async function measureMirror(context: Context): Promise<Measured> {
  const { certificates, folder, options } = context
  const rounds = Math.min(options.rounds, MOST_ROUNDS)
  const steps: readonly Step[] = ['first', ...Array.from({ length: rounds }, () => ROUND).flat()]
  const upstream = await startUpstream(await certificates.ca.server(), { ...SIZE, steps })
  const prepared = await prepareChartroom(
    join(folder, 'chartroom'),
    certificates,
    settingsOf(context, upstream),
  )
  const delayFile = join(folder, 'delay')
  const server = await startChartroom(prepared, {
    nodeOptions: LOOP_DELAY_OPTIONS,
    environment: loopDelayEnvironment(delayFile),
  })
  const catalog = await SqliteCatalog.open({ file: catalogFileOf(prepared.storage), readonly: true })
  const block = async (): Promise<number> => longestBlock(server.pid, delayFile)
  const watch = { upstream, catalog, block }
  const load = new LoadGenerator(certificates.reader)
  const target = { port: server.port, path: `/${MIRROR}/index.yaml` }
  const first = watchRefresh(watch)
  await untilServed(load, target)
  const refreshes: Refresh[] = [(await first).refresh]
  const quietBlocksMs: number[] = []
  const readers = startReaders(load, target)
  while (refreshes.length < steps.length) {
    const { quietBlockMs, refresh } = await watchRefresh(watch)
    quietBlocksMs.push(quietBlockMs)
    refreshes.push(refresh)
  }
  const reads = await readers.stop()
  await catalog.close()
  await server.stop()
  upstream.close()
  const title = `${SIZE.charts * SIZE.each} versions`
  return { checks: mirrorChecks({ title, refreshes, reads, quietBlocksMs }) }
}

function settingsOf(
  { settings, certificates }: Context,
  { port }: ChangingUpstream,
): Readonly<Record<string, unknown>> {
  const upstream = {
    name: UPSTREAM,
    url: `https://localhost:${port}`,
    ca: certificates.caFile,
    privateAddresses: ['127.0.0.0/8'],
  }
  return {
    ...settings,
    repositories: [{ name: MIRROR, mirror: { ttl: `${TTL_S}s`, upstreams: [upstream] } }],
  }
}

interface Watch {
  readonly upstream: ChangingUpstream
  readonly catalog: Pick<SqliteCatalog, 'offers'>
  readonly block: () => Promise<number>
}

/** The next one, from the request that the upstream sees until the catalog says that it is done. */
async function watchRefresh({
  upstream,
  catalog,
  block,
}: Watch): Promise<{ readonly refresh: Refresh; readonly quietBlockMs: number }> {
  const checkedAt = async (): Promise<number> => {
    const [record] = await catalog.offers.listUpstreams(MIRROR)
    if (record?.failure !== undefined)
      throw new Error(`the mirror is not refreshed: ${record.failure.reason}`)
    return record?.checkedAt?.getTime() ?? 0
  }
  const before = await checkedAt()
  const { step, atMs: fromMs } = await upstream.next()
  const quietBlockMs = await block()
  while ((await checkedAt()) === before) await setTimeout(POLL_MS)
  const toMs = performance.now()
  return { quietBlockMs, refresh: { step, fromMs, toMs, blockMs: await block() } }
}

/** Readers wait for the first reading for ten seconds at most, and are asked to come again. */
async function untilServed(load: LoadGenerator, target: Parameters<LoadGenerator['once']>[0]): Promise<void> {
  while ((await load.once(target)).status !== 200) await setTimeout(POLL_MS)
}

function startReaders(
  load: LoadGenerator,
  target: Parameters<LoadGenerator['once']>[0],
): { readonly stop: () => Promise<readonly Span[]> } {
  const reads: Span[] = []
  let isOver = false
  const read = async (): Promise<void> => {
    while (!isOver) {
      const fromMs = performance.now()
      const { status } = await load.once(target)
      if (status !== 200) throw new Error(`${target.path} was answered with ${status}`)
      reads.push({ fromMs, toMs: performance.now() })
    }
  }
  const readers = Promise.all(Array.from({ length: READERS }, read))
  return {
    stop: async () => {
      isOver = true
      await readers
      return reads
    },
  }
}
