import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { agentOf, exchange } from '../../test/support/exchange.ts'
import { LoadGenerator } from '../load/load.ts'
import { usageOf } from '../load/process-tree.ts'
import { type Line } from '../report/result.ts'
import { median } from '../report/statistics.ts'
import { startChartroom } from '../servers/chartroom.ts'
import { startNginx } from '../servers/nginx.ts'
import { Publisher } from '../servers/publish.ts'
import { type Server } from '../servers/server.ts'
import { type Context, type Measured } from './context.ts'
import { INDEX_PATH, prepareSized, REPOSITORY, startSizedMuseum, uploadOf } from './sized-server.ts'
import { untilVisible } from './visible.ts'

const SIZES = [100, 1000, 10_000, 100_000]
/** Beyond it ChartMuseum takes minutes for each index. */
const MOST_FOR_MUSEUM = 10_000
const PUBLISHES = 25
const VISIBLE_ROUNDS = 3
const GET_MS = 2000

/** What a publish and an index cost, against the number of versions. */
export async function measureCurve(context: Context): Promise<Measured> {
  const sizes = SIZES.filter((size) => size <= context.options.versions)
  const costs: Cost[] = []
  for (const versions of sizes) {
    const ours = await startChartroom(await prepareSized(context, { versions }))
    costs.push(await costOf(context, ours, 'Chartroom', versions))
    if (context.peers.nginx !== undefined) costs.push(await costOfNginx(context, ours, versions))
    await ours.stop()
    if (context.peers.chartmuseum === undefined || versions > MOST_FOR_MUSEUM) continue
    const museum = await startSizedMuseum(context, versions)
    costs.push(await costOf(context, museum, 'ChartMuseum', versions))
    await museum.stop()
  }
  return {
    checks: [],
    curves: [
      { title: 'publish: until it is answered', unit: 'ms', lines: linesOf(costs, 'publish') },
      { title: 'publish: until the index shows it', unit: 'ms', lines: linesOf(costs, 'visible') },
      { title: 'index GET: server CPU', unit: 'ms', lines: linesOf(costs, 'index') },
    ],
  }
}

interface Cost {
  readonly name: string
  readonly versions: number
  /** All in milliseconds; `undefined` for who takes no publishes. */
  readonly publish?: number
  readonly visible?: number
  readonly index: number
}

async function costOf(context: Context, server: Server, name: string, versions: number): Promise<Cost> {
  const visible: number[] = []
  for (let round = 0; round < VISIBLE_ROUNDS; round += 1)
    visible.push(await untilVisible(context, server, round))
  const index = await costOfIndex(context, server)
  const publisher = new Publisher(context.certificates)
  const publish: number[] = []
  for (let count = 0; count < PUBLISHES; count += 1) {
    const { archive } = await uploadOf(VISIBLE_ROUNDS + count)
    publish.push(await publisher.publish(server.port, REPOSITORY, archive))
  }
  publisher.close()
  return { name, versions, publish: median(publish), visible: median(visible), index }
}

/** With the very index that Chartroom has. */
async function costOfNginx(context: Context, ours: Server, versions: number): Promise<Cost> {
  const { certificates, folder, peers } = context
  const agent = agentOf(certificates.ca.certificatePem, certificates.reader, 'used once')
  const { bytes } = await exchange(agent, 'GET', `https://localhost:${ours.port}${INDEX_PATH}`)
  agent.destroy()
  const own = join(folder, `nginx-${versions}`)
  await mkdir(join(own, 'files', REPOSITORY), { recursive: true })
  await writeFile(join(own, 'files', REPOSITORY, 'index.yaml'), bytes)
  const binary = peers.nginx ?? { peer: 'nginx', binary: 'nginx' }
  const nginx = await startNginx({ ...binary, folder: own, root: join(own, 'files') }, certificates)
  const index = await costOfIndex(context, nginx)
  await nginx.stop()
  return { name: 'nginx', versions, index }
}

/** Server CPU in milliseconds for one index on a new connection. */
async function costOfIndex({ certificates }: Context, { port, pid }: Server): Promise<number> {
  const load = new LoadGenerator(certificates.reader)
  const target = { port, path: INDEX_PATH, expect: { status: 200 } }
  const options = { connections: 'new', parallel: 2, ms: GET_MS } as const
  await load.run(target, options)
  const before = await usageOf(pid)
  const { requests } = await load.run(target, options)
  return ((await usageOf(pid)).cpuMs - before.cpuMs) / requests
}

function linesOf(costs: readonly Cost[], key: 'publish' | 'visible' | 'index'): readonly Line[] {
  const names = [...new Set(costs.map(({ name }) => name))]
  return names
    .map((name) => ({
      name,
      points: costs
        .filter((cost) => cost.name === name)
        .flatMap(({ versions: size, [key]: value }) => (value === undefined ? [] : [{ size, value }])),
    }))
    .filter(({ points }) => points.length > 0)
}
