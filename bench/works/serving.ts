import { LoadGenerator, type Target } from '../load/load.ts'
import { usageOf } from '../load/process-tree.ts'
import { type ServingRow } from '../report/result.ts'
import { pairedRatios, spreadOf } from '../report/statistics.ts'
import { type PeerName, type Server } from '../servers/server.ts'
import { pathOf, type ServingWorld } from './serving-world.ts'
import { type ServingWork } from './serving-works.ts'

export interface Rounds {
  readonly rounds: number
  readonly sliceMs: number
}

/** Machine code for what is hot comes after some thousand requests. */
const WARM_UP_SLICES = 2

/** Slices of the same work in turns, A B A B, in the other order every second round. */
export async function measureServing(
  { certificates, servers }: ServingWorld,
  work: ServingWork,
  { rounds, sliceMs }: Rounds,
): Promise<ServingRow> {
  const load = new LoadGenerator(certificates.reader)
  const contenders = (
    await Promise.all(servers.map(async (server) => ({ server, target: await targetOf(load, server, work) })))
  ).flatMap(({ server, target }) =>
    target === undefined ? [] : [{ server, target, cpuMicros: [] as number[] }],
  )
  const slice = async ({ server, target }: { server: Server; target: Target }): Promise<number> => {
    const before = await usageOf(server.pid)
    const { requests } = await load.run(target, { ...work, ms: sliceMs })
    const after = await usageOf(server.pid)
    return ((after.cpuMs - before.cpuMs) * 1000) / requests
  }
  for (let warmUp = 0; warmUp < WARM_UP_SLICES; warmUp += 1)
    for (const contender of contenders) await slice(contender)
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? contenders : contenders.toReversed()
    for (const contender of order) contender.cpuMicros.push(await slice(contender))
  }
  return rowOf(
    work,
    contenders.map(({ server, cpuMicros }) => ({ peer: server.peer, cpuMicros })),
  )
}

interface Measured {
  readonly peer: PeerName
  readonly cpuMicros: readonly number[]
}

function rowOf({ title, targets }: ServingWork, measured: readonly Measured[]): ServingRow {
  const ours = measured.find(({ peer }) => peer === 'chartroom')?.cpuMicros ?? []
  const theirs = measured.filter(({ peer }) => peer !== 'chartroom')
  return {
    title,
    cpuMicros: Object.fromEntries(measured.map(({ peer, cpuMicros }) => [peer, spreadOf(cpuMicros)])),
    ratios: Object.fromEntries(theirs.map(({ peer, cpuMicros }) => [peer, pairedRatios(ours, cpuMicros)])),
    targets,
  }
}

/** What a first answer shows to expect of all others; `undefined` for a server that knows no conditional requests here. */
async function targetOf(
  load: LoadGenerator,
  { port }: Server,
  work: ServingWork,
): Promise<Target | undefined> {
  const target = { port, path: pathOf(work.what) }
  const { status, head, bodyBytes } = await load.once(target)
  if (status !== 200) throw new Error(`${target.path} was answered with ${status}`)
  if (work.conditional !== true) return { ...target, expect: { status, bodyBytes } }
  const etag = /^etag: *(.+?)\r?$/im.exec(head)?.[1]
  if (etag === undefined) return undefined
  const conditional = { ...target, headers: { 'If-None-Match': etag } }
  const again = await load.once(conditional)
  return again.status === 304 ? { ...conditional, expect: { status: 304 } } : undefined
}
