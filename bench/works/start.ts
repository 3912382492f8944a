import { LoadGenerator } from '../load/load.ts'
import { usageOf } from '../load/process-tree.ts'
import { median } from '../report/statistics.ts'
import { startChartroom } from '../servers/chartroom.ts'
import { type Context, type Measured } from './context.ts'
import { INDEX_PATH, prepareSized } from './sized-server.ts'

const MOST_ROUNDS = 5
const MB = 1e6

/** From the command until `/readyz` says yes; memory then, and once an index has been served. */
export async function measureStart(context: Context): Promise<Measured> {
  const { versions, rounds } = context.options
  const folder = await prepareSized(context, { versions })
  const load = new LoadGenerator(context.certificates.reader)
  const measured = {
    seconds: [] as number[],
    ready: [] as number[],
    served: [] as number[],
    first: [] as number[],
  }
  for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round += 1) {
    const start = performance.now()
    const server = await startChartroom(folder)
    measured.seconds.push((performance.now() - start) / 1000)
    measured.ready.push((await usageOf(server.pid)).residentBytes / MB)
    measured.first.push((await load.once({ port: server.port, path: INDEX_PATH })).firstByteMs)
    measured.served.push((await usageOf(server.pid)).residentBytes / MB)
    await server.stop()
  }
  return {
    checks: [
      {
        title: `start to ready at ${versions} versions`,
        value: median(measured.seconds),
        unit: 's',
        target: { most: 2 },
        from: { 'the first index then takes until its first byte, ms': median(measured.first) },
      },
      { title: 'memory then', value: median(measured.ready), unit: 'MB', target: { most: 400 } },
      {
        title: 'memory once the index has been served',
        value: median(measured.served),
        unit: 'MB',
        target: { most: 400 },
      },
    ],
  }
}
