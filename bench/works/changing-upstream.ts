import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { type AddressInfo } from 'node:net'
import { type ServerResponse } from 'node:http'
import { chartVersions } from '../data/chart-versions.ts'
import { helmIndex } from '../data/helm-index.ts'
import { type ChartMetadata } from '../../src/chart/metadata.ts'
import { parseChartVersion } from '../../src/chart/version.ts'
import { type TestPeer } from '../../test/support/test-ca.ts'

/** What the upstream has, beside the time before. `unchanged` is a 304. */
export type Step = 'first' | 'unchanged' | 'one new version' | 'all changed'

export interface ChangingUpstream {
  readonly port: number
  /** Takes the next step with the next request, and resolves when that comes, with the time. */
  readonly next: () => Promise<{ readonly step: Step; readonly atMs: number }>
  readonly close: () => void
}

export interface UpstreamPlan {
  readonly charts: number
  /** Versions of each chart. */
  readonly each: number
  readonly steps: readonly Step[]
}

const SEED = 3

/** An index over HTTPS, in this process. What it says at each step is made before, so that it costs nothing then. */
export async function startUpstream({ cert, key }: TestPeer, plan: UpstreamPlan): Promise<ChangingUpstream> {
  const moments = [...momentsOf(plan)]
  let [current] = moments
  let asked: ((moment: Moment) => void) | undefined
  const server = createServer({ cert, key }, ({ headers }, response) => {
    if (asked !== undefined) {
      current = moments.shift()
      if (current !== undefined) asked(current)
      asked = undefined
    }
    if (current === undefined) response.writeHead(404).end()
    else answer(response, current, headers['if-none-match'])
  })
  return {
    port: await listening(server),
    next: async () => {
      const { step } = await new Promise<Moment>((resolve) => (asked = resolve))
      return { step, atMs: performance.now() }
    },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

interface Moment {
  readonly step: Step
  readonly etag: string
  readonly bytes: Buffer
}

/** Its index at each step. */
export function* momentsOf({ charts, each, steps }: UpstreamPlan): Generator<Moment> {
  let versions = [...chartVersions({ seed: SEED, count: charts * each, shape: { each } })]
  let bytes = helmIndex(versions)
  let changes = 0
  for (const step of steps) {
    const next = changed(versions, step)
    if (next !== versions) {
      versions = next
      bytes = helmIndex(versions)
      changes += 1
    }
    yield { step, etag: `"${changes}"`, bytes }
  }
}

function changed(versions: ChartMetadata[], step: Step): ChartMetadata[] {
  if (step === 'all changed')
    return versions.map((one) => ({ ...one, description: `${one.description ?? ''} again` }))
  const last = versions.at(-1)
  if (step !== 'one new version' || last === undefined) return versions
  return [
    ...versions,
    { ...last, version: parseChartVersion(`${Number.parseInt(last.version, 10) + 1}.0.0`) },
  ]
}

function answer(response: ServerResponse, { etag, bytes }: Moment, known: string | undefined): void {
  if (known === etag) response.writeHead(304, { etag }).end()
  else response.writeHead(200, { etag, 'content-length': bytes.length }).end(bytes)
}

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
