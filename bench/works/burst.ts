import { setTimeout } from 'node:timers/promises'
import { LoadGenerator } from '../load/load.ts'
import { usageOf } from '../load/process-tree.ts'
import { quantile } from '../report/statistics.ts'
import { type ChartroomServer, startChartroom } from '../servers/chartroom.ts'
import { Publisher } from '../servers/publish.ts'
import { type Context, type Measured } from './context.ts'
import { INDEX_PATH, prepareSized, REPOSITORY, uploadOf } from './sized-server.ts'

const PUBLISHES_A_MINUTE = 1000
const READERS = 20
const READER_BYTES_PER_SECOND = 1_000_000
const PAUSE_MS = 300
const MINUTE_MS = 60_000
const MOST_MINUTES = 3
const MB = 1e6

/** Many publishes while slow readers read: index GETs beside those of a quiet server, and the memory. */
export async function measureBurst(context: Context): Promise<Measured> {
  const { versions, minutes } = context.options
  const ms = Math.min(minutes, MOST_MINUTES) * MINUTE_MS
  const server = await startChartroom(await prepareSized(context, { versions }))
  const load = new LoadGenerator(context.certificates.reader)
  const quiet = await readIndexes(load, server, ms)
  const publishes = { count: 0 }
  const readers = readSlowly(load, server, ms)
  const [busy] = await Promise.all([
    readIndexes(load, server, ms),
    publishSteadily(context, server, ms, publishes),
  ])
  await readers
  await server.stop()
  const [quietP99, busyP99] = [quantile(quiet.times, 0.99), quantile(busy.times, 0.99)]
  return {
    checks: [
      {
        title: `p99 of index GET at ${versions} versions during ${PUBLISHES_A_MINUTE} publishes a minute and ${READERS} readers at 1 MB/s ÷ quiet`,
        value: busyP99 / quietP99,
        unit: 'ratio',
        target: { most: 2 },
        from: {
          'quiet, ms': quietP99,
          'burst, ms': busyP99,
          'index GETs': busy.times.length,
          'publishes a minute': (publishes.count * MINUTE_MS) / ms,
        },
      },
      {
        title: 'memory beyond that of the quiet server, at most',
        value: busy.mostMemory - quiet.mostMemory,
        unit: 'MB',
        target: { most: 250 },
        from: { 'quiet, MB': quiet.mostMemory, 'burst, MB': busy.mostMemory },
      },
    ],
  }
}

interface Reading {
  /** Of each index, in milliseconds to its end. */
  readonly times: readonly number[]
  /** In MB. */
  readonly mostMemory: number
}

async function readIndexes(
  load: LoadGenerator,
  { port, pid }: ChartroomServer,
  ms: number,
): Promise<Reading> {
  const end = performance.now() + ms
  const times: number[] = []
  let mostMemory = 0
  await load.once({ port, path: INDEX_PATH })
  while (performance.now() < end) {
    times.push((await load.once({ port, path: INDEX_PATH })).ms)
    mostMemory = Math.max(mostMemory, (await usageOf(pid)).residentBytes / MB)
    await setTimeout(PAUSE_MS)
  }
  return { times, mostMemory }
}

/** Each reads one index after another; those that are being read when the time is over are read to their end. */
async function readSlowly(load: LoadGenerator, { port }: ChartroomServer, ms: number): Promise<void> {
  const end = performance.now() + ms
  const readOne = async (): Promise<void> => {
    while (performance.now() < end) await load.slowly({ port, path: INDEX_PATH }, READER_BYTES_PER_SECOND)
  }
  await Promise.all(Array.from({ length: READERS }, readOne))
}

async function publishSteadily(
  { certificates }: Context,
  { port }: ChartroomServer,
  ms: number,
  publishes: { count: number },
): Promise<void> {
  const publisher = new Publisher(certificates)
  const start = performance.now()
  const running: Promise<unknown>[] = []
  for (let count = 0; performance.now() - start < ms; count += 1) {
    const { archive } = await uploadOf(count)
    running.push(publisher.publish(port, REPOSITORY, archive).then(() => (publishes.count += 1)))
    await setTimeout(Math.max(0, start + (count * MINUTE_MS) / PUBLISHES_A_MINUTE - performance.now()))
  }
  await Promise.all(running)
  publisher.close()
}
