import { LoadGenerator } from '../load/load.ts'
import { median, pairedRatios } from '../report/statistics.ts'
import { startChartroom } from '../servers/chartroom.ts'
import { Publisher } from '../servers/publish.ts'
import { type Server } from '../servers/server.ts'
import { type Context, type Measured } from './context.ts'
import { INDEX_PATH, prepareSized, REPOSITORY, startSizedMuseum, uploadOf } from './sized-server.ts'

const VERSIONS = 10_000
const MOST_ROUNDS = 9

/** From the publish until an index shows it. */
export async function measureVisible(context: Context): Promise<Measured> {
  const ours = await startChartroom(await prepareSized(context, { versions: VERSIONS }))
  const museum = context.peers.chartmuseum && (await startSizedMuseum(context, VERSIONS))
  const rounds = Math.min(context.options.rounds, MOST_ROUNDS)
  const times = { ours: [] as number[], museum: [] as number[] }
  for (let round = -1; round < rounds; round += 1) {
    const took = await untilVisible(context, ours, round + 1)
    const museumTook = museum && (await untilVisible(context, museum, round + 1))
    if (round < 0) continue
    times.ours.push(took)
    if (museumTook !== undefined) times.museum.push(museumTook)
  }
  await Promise.all([ours.stop(), museum?.stop()])
  const from = { 'ours, ms': median(times.ours) }
  const title = `publish at ${VERSIONS} versions until the index shows it`
  if (museum === undefined) return { checks: [{ title, value: from['ours, ms'], unit: 'ms' }] }
  return {
    checks: [
      {
        title: `${title} ÷ ChartMuseum`,
        value: pairedRatios(times.ours, times.museum).median,
        unit: 'ratio',
        target: { most: 0.05 },
        from: { ...from, 'ChartMuseum, ms': median(times.museum) },
      },
    ],
  }
}

/** How long, in milliseconds, with the time to read the index whole. */
export async function untilVisible(
  { certificates }: Context,
  { port }: Server,
  count: number,
): Promise<number> {
  const { archive, filename } = await uploadOf(count)
  const load = new LoadGenerator(certificates.reader)
  const publisher = new Publisher(certificates)
  const start = performance.now()
  await publisher.publish(port, REPOSITORY, archive)
  let isVisible = false
  while (!isVisible) isVisible = await load.contains({ port, path: INDEX_PATH }, filename)
  const took = performance.now() - start
  publisher.close()
  return took
}
