import { type Check } from '../report/result.ts'
import { quantile } from '../report/statistics.ts'
import { type ChartroomServer, startChartroom } from '../servers/chartroom.ts'
import { Publisher } from '../servers/publish.ts'
import { type Context, type Measured } from './context.ts'
import { prepareSized, REPOSITORY, uploadOf } from './sized-server.ts'

const SMALL = 100
const PUBLISHES_A_ROUND = 30
const WARM_UP = 20

/** The same publishes into a small and a large repository, in turns. */
export async function measurePublish(context: Context): Promise<Measured> {
  const { versions, rounds } = context.options
  const small = await startChartroom(await prepareSized(context, { versions: SMALL }))
  const large = await startChartroom(await prepareSized(context, { versions }))
  const publisher = new Publisher(context.certificates)
  const times = { small: [] as number[], large: [] as number[] }
  for (let count = 0; count < WARM_UP + rounds * PUBLISHES_A_ROUND; count += 1) {
    const took = await publishToBoth(publisher, { small, large }, count)
    if (count < WARM_UP) continue
    times.small.push(took.small)
    times.large.push(took.large)
  }
  publisher.close()
  await Promise.all([small.stop(), large.stop()])
  return { checks: [checkOf(0.5, times, versions), checkOf(0.99, times, versions)] }
}

async function publishToBoth(
  publisher: Publisher,
  servers: { readonly small: ChartroomServer; readonly large: ChartroomServer },
  count: number,
): Promise<{ readonly small: number; readonly large: number }> {
  const { archive } = await uploadOf(count)
  const publish = (server: ChartroomServer): Promise<number> =>
    publisher.publish(server.port, REPOSITORY, archive)
  if (count % 2 === 0) return { small: await publish(servers.small), large: await publish(servers.large) }
  const large = await publish(servers.large)
  return { small: await publish(servers.small), large }
}

function checkOf(
  q: number,
  times: { readonly small: readonly number[]; readonly large: readonly number[] },
  versions: number,
): Check {
  const [small, large] = [quantile(times.small, q), quantile(times.large, q)]
  return {
    title: `publish, p${q * 100}, at ${versions} versions ÷ at ${SMALL}`,
    value: large / small,
    unit: 'ratio',
    target: { most: 1.2 },
    from: { [`at ${SMALL}, ms`]: small, [`at ${versions}, ms`]: large, publishes: times.large.length },
  }
}
