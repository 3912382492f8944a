import { setTimeout } from 'node:timers/promises'
import { LoadGenerator } from '../load/load.ts'
import { usageOf } from '../load/process-tree.ts'
import { startChartroom } from '../servers/chartroom.ts'
import { type Context, type Measured } from './context.ts'
import { INDEX_VERSIONS } from './serving-works.ts'
import { INDEX_PATH, prepareSized } from './sized-server.ts'

const READERS = 40
const SETTLE_MS = 3000
const MB = 1e6

/** Readers that ask for a 10 MB index and read nothing. */
export async function measureStalled(context: Context): Promise<Measured> {
  const server = await startChartroom(await prepareSized(context, { versions: INDEX_VERSIONS['10m'] }))
  const load = new LoadGenerator(context.certificates.reader)
  const target = { port: server.port, path: INDEX_PATH }
  const { bodyBytes } = await load.once(target)
  // The handshakes themselves take memory that has nothing to do with bodies.
  await load.run(
    { ...target, path: '/health', expect: { status: 200 } },
    { connections: 'new', parallel: READERS, ms: 2000 },
  )
  await setTimeout(SETTLE_MS)
  const before = await usageOf(server.pid)
  const sockets = await Promise.all(Array.from({ length: READERS }, () => load.stall(target)))
  await setTimeout(SETTLE_MS)
  const after = await usageOf(server.pid)
  for (const socket of sockets) socket.destroy()
  await server.stop()
  return {
    checks: [
      {
        title: `${READERS} stalled readers of a ${Math.round(bodyBytes / MB)} MB index: memory`,
        value: (after.residentBytes - before.residentBytes) / MB,
        unit: 'MB',
        target: { most: 25 },
        from: { 'before, MB': before.residentBytes / MB, 'after, MB': after.residentBytes / MB },
      },
    ],
  }
}
