import { join } from 'node:path'
import { prepareChartroom } from '../servers/chartroom.ts'
import { type Context, type Measured } from './context.ts'
import { writePackages } from './packages.ts'
import { runChartroom } from './run-chartroom.ts'
import { REPOSITORY } from './sized-server.ts'

const BYTES = 30_000

/** `chartroom import` of a folder, its start and the signing included. */
export async function measureImport({ certificates, folder, options, settings }: Context): Promise<Measured> {
  const packages = join(folder, 'packages')
  await writePackages(packages, options.packages, BYTES)
  const chartroom = await prepareChartroom(join(folder, 'chartroom'), certificates, settings)
  const start = performance.now()
  await runChartroom(chartroom, 'import', packages, '--repository', REPOSITORY, '--create')
  const seconds = (performance.now() - start) / 1000
  return {
    checks: [
      {
        title: `import of ${options.packages} packages of 30 KB, signing included, on two cores`,
        value: options.packages / seconds,
        unit: 'per second',
        target: { least: 300 },
        from: { seconds },
      },
    ],
  }
}
