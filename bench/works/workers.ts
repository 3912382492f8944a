import { LOAD_CORE, SERVER_CORE } from '../load/cores.ts'
import { LoadGenerator, type Target } from '../load/load.ts'
import { cpuOfEach } from '../load/process-tree.ts'
import { pairedRatios, spreadOf } from '../report/statistics.ts'
import { type ChartroomServer, startChartroom } from '../servers/chartroom.ts'
import { Publisher } from '../servers/publish.ts'
import { archiveOf } from '../data/archives.ts'
import { parseChartName } from '../../src/chart/name.ts'
import { parseChartVersion } from '../../src/chart/version.ts'
import { type Context, type Measured } from './context.ts'
import { prepareSized, REPOSITORY } from './sized-server.ts'

const WORKERS = 2
const BYTES = 300_000
/** So many that chance gives each process enough of them. */
const CONNECTIONS = 64
const WARM_UP_SLICES = 3

/**
 * What two processes do on two cores ÷ what one does on one: as both are busy all the time, it is the number of
 * processes times CPU per request alone ÷ CPU per request together. Rates would say what is left for the load generator.
 */
export async function measureWorkers(context: Context): Promise<Measured> {
  const { rounds, seconds } = context.options
  const alone = await startChartroom(await prepareSized(context, { versions: 10 }))
  const together = await startChartroom(await prepareSized(context, { versions: 11 }, { workers: WORKERS }), {
    cores: [SERVER_CORE, LOAD_CORE],
  })
  const load = new LoadGenerator(context.certificates.reader)
  const slice = (server: ChartroomServer): Promise<Slice> => measureSlice(load, server, seconds * 1000)
  for (const server of [alone, together]) await publishArchive(context, server)
  const costs = { alone: [] as number[], together: [] as number[], lesserShare: [] as number[] }
  for (let round = -WARM_UP_SLICES; round < rounds; round += 1) {
    const [one, two] = [await slice(alone), await slice(together)]
    if (round < 0) continue
    costs.alone.push(one.cpuMicros)
    costs.together.push(two.cpuMicros)
    costs.lesserShare.push(two.lesserShare)
  }
  await Promise.all([alone.stop(), together.stop()])
  return {
    checks: [
      {
        title: 'two processes on two cores ÷ one, archives of 300 KB',
        value: WORKERS * pairedRatios(costs.alone, costs.together).median,
        unit: 'ratio',
        target: { least: 1.8 },
        from: {
          'one, CPU µs a request': spreadOf(costs.alone).median,
          'two, CPU µs a request': spreadOf(costs.together).median,
          'share of the less busy one': spreadOf(costs.lesserShare).median,
        },
      },
    ],
  }
}

interface Slice {
  readonly cpuMicros: number
  /** Of the CPU time of the two busiest processes. */
  readonly lesserShare: number
}

async function measureSlice(load: LoadGenerator, { port, pid }: ChartroomServer, ms: number): Promise<Slice> {
  const before = await cpuOfEach(pid)
  const { requests } = await load.run(target(port), { connections: 'keep-alive', parallel: CONNECTIONS, ms })
  const after = await cpuOfEach(pid)
  const used = [...after].map(([id, cpuMs]) => cpuMs - (before.get(id) ?? 0)).sort((a, b) => b - a)
  const [most = 0, second = 0] = used
  const all = used.reduce((sum, cpuMs) => sum + cpuMs, 0)
  return { cpuMicros: (all * 1000) / requests, lesserShare: second / (most + second) }
}

function target(port: number): Target {
  return { port, path: `/${REPOSITORY}/charts/bulk-1.0.0.tgz`, expect: { status: 200 } }
}

async function publishArchive({ certificates }: Context, { port }: ChartroomServer): Promise<void> {
  const metadata = {
    apiVersion: 'v2',
    name: parseChartName('bulk'),
    version: parseChartVersion('1.0.0'),
  } as const
  const publisher = new Publisher(certificates)
  await publisher.publish(port, REPOSITORY, await archiveOf(metadata, BYTES))
  publisher.close()
}
