import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { LoadGenerator } from '../load/load.ts'
import { usageOf } from '../load/process-tree.ts'
import { median } from '../report/statistics.ts'
import { type ChartroomServer, prepareChartroom, startChartroom } from '../servers/chartroom.ts'
import { Publisher } from '../servers/publish.ts'
import { type Context, type Measured } from './context.ts'
import { writePackages } from './packages.ts'
import { runChartroom } from './run-chartroom.ts'
import { INDEX_PATH, REPOSITORY, uploadOf } from './sized-server.ts'

const PACKAGES = 300
const PACKAGE_BYTES = 30_000
const BETWEEN_PUBLISHES_MS = 250
const SAMPLES = 60
const MINUTE_MS = 60_000
const MB = 1e6
/** Downloads and index reads on connections that are kept, and on new ones. */
const KEPT = 6
const FRESH = 3

/** Mixed load with publishes; afterwards everything that was published is there, and `fsck` finds nothing. */
export async function measureSoak(context: Context): Promise<Measured> {
  const { certificates, folder, options, settings } = context
  const packages = join(folder, 'packages')
  const names = await writePackages(packages, PACKAGES, PACKAGE_BYTES)
  const chartroom = await prepareChartroom(join(folder, 'chartroom'), certificates, settings)
  await runChartroom(chartroom, 'import', packages, '--repository', REPOSITORY, '--create')
  const server = await startChartroom(chartroom)
  const load = new LoadGenerator(certificates.reader)
  const ms = options.minutes * MINUTE_MS
  const published: string[] = []
  const [series, requests] = await Promise.all([
    sampleMemory(server, ms),
    readEverything(load, server, names, ms),
    publishOn(context, server, ms, published),
  ])
  const lost = await countLost(load, server, [...names, ...published])
  await server.stop()
  const said = await runChartroom(chartroom, 'fsck')
  const quarter = Math.floor(series.length / 4)
  const growth = median(series.slice(-quarter)) / median(series.slice(quarter, 2 * quarter))
  return {
    checks: [
      {
        title: `soak of ${options.minutes} minutes: memory in the last quarter ÷ in the second`,
        value: growth,
        unit: 'ratio',
        target: { most: 1.1 },
        from: { requests, publishes: published.length, ...seriesOf(series) },
      },
      { title: 'versions lost', value: lost, unit: 'count', target: { most: 0 } },
      { title: 'versions that fsck calls broken', value: brokenIn(said), unit: 'count', target: { most: 0 } },
    ],
  }
}

async function sampleMemory({ pid }: ChartroomServer, ms: number): Promise<readonly number[]> {
  const series: number[] = []
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    await setTimeout(ms / SAMPLES)
    series.push((await usageOf(pid)).residentBytes / MB)
  }
  return series
}

async function readEverything(
  load: LoadGenerator,
  { port }: ChartroomServer,
  names: readonly string[],
  ms: number,
): Promise<number> {
  const of = (path: string) => ({ port, path, expect: { status: 200 } })
  const archive = (index: number) => of(`/${REPOSITORY}/charts/${names[index] ?? ''}`)
  const kept = { connections: 'keep-alive', parallel: 1, ms } as const
  const fresh = { connections: 'new', parallel: 1, ms } as const
  const results = await Promise.all([
    ...Array.from({ length: KEPT }, (_nothing, index) => load.run(archive(index * 40), kept)),
    ...Array.from({ length: FRESH }, () => load.run(of(INDEX_PATH), fresh)),
    load.run(of(`${archive(7).path}.prov`), fresh),
  ])
  return results.reduce((sum, { requests }) => sum + requests, 0)
}

async function publishOn(
  { certificates }: Context,
  { port }: ChartroomServer,
  ms: number,
  published: string[],
): Promise<void> {
  const end = performance.now() + ms
  const publisher = new Publisher(certificates)
  while (performance.now() < end) {
    const { archive, filename } = await uploadOf(published.length)
    await publisher.publish(port, REPOSITORY, archive)
    published.push(filename)
    await setTimeout(BETWEEN_PUBLISHES_MS)
  }
  publisher.close()
}

async function countLost(
  load: LoadGenerator,
  { port }: ChartroomServer,
  names: readonly string[],
): Promise<number> {
  let lost = 0
  for (const name of names) {
    const { status } = await load.once({ port, path: `/${REPOSITORY}/charts/${name}` })
    if (status !== 200) lost += 1
  }
  return lost
}

function brokenIn(said: string): number {
  return Number(/(\d+) broken/.exec(said)?.[1] ?? Number.NaN)
}

function seriesOf(series: readonly number[]): Readonly<Record<string, number>> {
  return Object.fromEntries(series.map((value, index) => [`memory ${index + 1}/${series.length}, MB`, value]))
}
