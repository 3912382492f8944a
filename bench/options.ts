import { parseArgs } from 'node:util'
import { type PeerName } from './servers/server.ts'
import { DEFAULT_WORKS, isWorkName, WORK_NAMES, type WorkName } from './works/names.ts'

export interface Options {
  readonly works: readonly WorkName[]
  readonly peers: readonly PeerName[]
  /** The binary of an nginx that is built with the OpenSSL that Node has. */
  readonly nginxS: string | undefined
  /** Pairs of slices. */
  readonly rounds: number
  /** Of one slice. */
  readonly seconds: number
  /** Of the repository in the works that are about size. */
  readonly versions: number
  /** For import. */
  readonly packages: number
  /** Of the soak and of the burst. */
  readonly minutes: number
  /** Folder for CPU profiles of Chartroom while it answers requests. */
  readonly profile: string | undefined
  /** Folder for the results. */
  readonly results: string
}

export type Request =
  { readonly do: 'help' } | { readonly do: 'report' } | { readonly do: 'run'; readonly options: Options }

export const HELP = `npm run bench -- [options]

Measures Chartroom beside nginx and ChartMuseum on this machine (docs/performance.md). Needs Linux and two cores.

  --works LIST     what to measure, by comma; default: what takes a few minutes.
                   serving is short for all requests. All: ${WORK_NAMES.join(' ')}
  --peers LIST     nginx, nginx-s, chartmuseum, bare or none; default: those that are installed
  --nginx-s PATH   another nginx, best with the OpenSSL that Node has
  --rounds N       pairs of slices for each request (7)
  --seconds S      of one slice (0.7)
  --versions N     size of the repository in the works about size (10000)
  --packages N     how many the import takes (1000)
  --minutes M      of the soak and of each half of the burst (1)
  --full           everything, as it stands in docs/performance.md: 15 rounds, 100000 versions, 10000 packages and
                   10 minutes where nothing else is given; takes about an hour
  --results DIR    where the results go (bench/results)
  --profile DIR    also leave a CPU profile of Chartroom there, of the requests; it costs some percent
  --report         measure nothing: write the results into docs/performance.md and docs/performance.svg
  --help
`

const QUICK = { rounds: 7, versions: 10_000, packages: 1000, minutes: 1, works: DEFAULT_WORKS }
const FULL = { rounds: 15, versions: 100_000, packages: 10_000, minutes: 10, works: WORK_NAMES }
const SLICE_SECONDS = 0.7
const PEERS = ['nginx', 'nginx-s', 'chartmuseum', 'bare'] as const

/** Throws for what it does not understand. */
export function readRequest(args: readonly string[]): Request {
  const { values } = parseArgs({
    args: [...args],
    options: {
      works: { type: 'string' },
      peers: { type: 'string' },
      'nginx-s': { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      versions: { type: 'string' },
      packages: { type: 'string' },
      minutes: { type: 'string' },
      results: { type: 'string' },
      profile: { type: 'string' },
      full: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) return { do: 'help' }
  if (values.report) return { do: 'report' }
  const defaults = values.full ? FULL : QUICK
  return {
    do: 'run',
    options: {
      works: values.works === undefined ? defaults.works : readWorks(values.works),
      peers: values.peers === undefined ? PEERS : readPeers(values.peers),
      nginxS: values['nginx-s'],
      rounds: readNumber('rounds', values.rounds, defaults.rounds),
      seconds: readNumber('seconds', values.seconds, SLICE_SECONDS),
      versions: readNumber('versions', values.versions, defaults.versions),
      packages: readNumber('packages', values.packages, defaults.packages),
      minutes: readNumber('minutes', values.minutes, defaults.minutes),
      profile: values.profile,
      results: values.results ?? 'bench/results',
    },
  }
}

function readWorks(text: string): readonly WorkName[] {
  const named = text
    .split(',')
    .flatMap((name) => (name === 'serving' ? DEFAULT_WORKS.filter(isServing) : [name]))
  return named.map((name) => {
    if (isWorkName(name)) return name
    throw new Error(`there is no work ${name}: ${WORK_NAMES.join(' ')}`)
  })
}

function isServing(name: WorkName): boolean {
  return name.startsWith('new-') || name.startsWith('keep-')
}

function readPeers(text: string): readonly PeerName[] {
  const names = text.split(',').filter((name) => name !== '' && name !== 'none')
  return names.map((name) => {
    const peer = PEERS.find((known) => known === name)
    if (peer === undefined) throw new Error(`there is no peer ${name}: ${PEERS.join(' ')}`)
    return peer
  })
}

function readNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  const number = Number(text)
  if (Number.isFinite(number) && number > 0) return number
  throw new Error(`--${name} takes a number above 0`)
}
