import { join } from 'node:path'
import { LoadGenerator } from '../load/load.ts'
import { median } from '../report/statistics.ts'
import { startChartroom } from '../servers/chartroom.ts'
import { LOOP_DELAY_OPTIONS, longestBlock, loopDelayEnvironment } from '../servers/loop-delay.ts'
import { Publisher } from '../servers/publish.ts'
import { type Shape } from '../data/chart-versions.ts'
import { type Check } from '../report/result.ts'
import { type Context, type Measured } from './context.ts'
import { INDEX_PATH, prepareSized, REPOSITORY, uploadOf } from './sized-server.ts'

const SHAPES: Readonly<Record<Shape, string>> = { many: '', one: ' of one chart' }

/** The first index after a publish, and how long the server's event loop is blocked between the two. */
export async function measureAfterPublish(context: Context): Promise<Measured> {
  const checks: Check[] = []
  for (const shape of Object.keys(SHAPES) as Shape[]) checks.push(...(await measureShape(context, shape)))
  return { checks }
}

async function measureShape(context: Context, shape: Shape): Promise<readonly Check[]> {
  const { versions, rounds } = context.options
  const delayFile = join(context.folder, `delay-${shape}`)
  const server = await startChartroom(await prepareSized(context, { versions, shape }), {
    nodeOptions: LOOP_DELAY_OPTIONS,
    environment: loopDelayEnvironment(delayFile),
  })
  const load = new LoadGenerator(context.certificates.reader)
  const publisher = new Publisher(context.certificates)
  const target = { port: server.port, path: INDEX_PATH }
  const first = await load.once(target)
  const firstBlock = await longestBlock(server.pid, delayFile)
  const times = {
    firstByte: [] as number[],
    whole: [] as number[],
    quiet: [] as number[],
    blocks: [] as number[],
  }
  for (let round = 0; round < rounds; round += 1) {
    await publisher.publish(server.port, REPOSITORY, (await uploadOf(round)).archive)
    const { firstByteMs, ms } = await load.once(target)
    times.blocks.push(await longestBlock(server.pid, delayFile))
    times.firstByte.push(firstByteMs)
    times.whole.push(ms)
    times.quiet.push((await load.once(target)).ms)
  }
  publisher.close()
  await server.stop()
  const size = `${versions} versions${SHAPES[shape]}`
  return [
    {
      title: `first index GET after a publish at ${size}: until its first byte`,
      value: median(times.firstByte),
      unit: 'ms',
      target: { most: 150 },
      from: {
        'whole, ms': median(times.whole),
        'whole when nothing was published, ms': median(times.quiet),
        'index, MB': first.bodyBytes / 1e6,
      },
    },
    {
      title: `longest block of the event loop from that publish to the index's end, ${size}`,
      value: Math.max(...times.blocks),
      unit: 'ms',
      target: { most: 50 },
      from: {
        'median, ms': median(times.blocks),
        'start to the end of the first index, ms': firstBlock,
        'that index until its first byte, ms': first.firstByteMs,
      },
    },
  ]
}
