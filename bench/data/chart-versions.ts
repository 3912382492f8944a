import { parseChartName, type ChartName } from '../../src/chart/name.ts'
import { type ChartMetadata } from '../../src/chart/metadata.ts'
import { parseChartVersion, type ChartVersion } from '../../src/chart/version.ts'
import { createRandom } from '../../test/support/random.ts'

/** `many`: as repositories are, a few charts with hundreds of versions and many with a handful; `one`: a single huge chart. */
export type Shape = 'many' | 'one'

export interface VersionsRequest {
  readonly seed: number
  readonly count: number
  /** `each`: so many versions of every chart. */
  readonly shape: Shape | { readonly each: number }
}

/** A chart's versions are between 1 and this many, as often below its square root as above. */
const MOST_VERSIONS = 400

const TEAMS = [
  'billing',
  'checkout',
  'data',
  'edge',
  'fleet',
  'identity',
  'media',
  'orders',
  'platform',
  'search',
]
const PARTS = [
  'api',
  'broker',
  'cache',
  'controller',
  'dashboard',
  'exporter',
  'gateway',
  'operator',
  'queue',
  'worker',
]
const WORDS = [
  'adds', 'an', 'option', 'for', 'the', 'readiness', 'probe', 'raises', 'default', 'memory', 'limit', 'of', 'proxy',
  'fixes', 'network', 'policy', 'when', 'metrics', 'are', 'scraped', 'from', 'another', 'namespace', 'supports',
  'topology', 'spread', 'constraints', 'and', 'pod', 'disruption', 'budgets', 'in', 'every', 'component',
] // prettier-ignore

type Random = () => number

/** The same for the same request; about 1.2 KB each as an entry of the index. */
export function* chartVersions({ seed, count, shape }: VersionsRequest): Generator<ChartMetadata> {
  const random = createRandom(seed)
  let made = 0
  for (let chart = 0; made < count; chart += 1) {
    const name = chartName(chart)
    const share = versionsOfOne(shape, count, random)
    for (const version of versionNumbers(random, Math.min(share, count - made))) {
      yield metadataOf(random, name, version)
      made += 1
    }
  }
}

function versionsOfOne(shape: VersionsRequest['shape'], count: number, random: Random): number {
  if (typeof shape === 'object') return shape.each
  return shape === 'one' ? count : Math.ceil(MOST_VERSIONS ** random())
}

function chartName(chart: number): ChartName {
  const team = TEAMS[chart % TEAMS.length] ?? ''
  const part = PARTS[Math.floor(chart / TEAMS.length) % PARTS.length] ?? ''
  const round = Math.floor(chart / (TEAMS.length * PARTS.length))
  return parseChartName(round === 0 ? `${team}-${part}` : `${team}-${part}-${round}`)
}

/** Upwards, one of three places at a time. */
function* versionNumbers(random: Random, count: number): Generator<ChartVersion> {
  let [major, minor, patch] = [0, 1, 0]
  for (let made = 0; made < count; made += 1) {
    yield parseChartVersion(`${major}.${minor}.${patch}${random() < 0.05 ? '-rc.1' : ''}`)
    const step = random()
    if (step < 0.02) [major, minor, patch] = [major + 1, 0, 0]
    else if (step < 0.3) [minor, patch] = [minor + 1, 0]
    else patch += 1
  }
}

function metadataOf(random: Random, name: ChartName, version: ChartVersion): ChartMetadata {
  const home = `https://charts.example.com/${name}`
  return {
    apiVersion: 'v2',
    name,
    version,
    kubeVersion: '>=1.27.0-0',
    description: `A Helm chart for ${name} that ${sentence(random, 10)}`,
    type: 'application',
    keywords: name.split('-'),
    home,
    sources: [`https://git.example.com/${name}`, `https://git.example.com/charts/tree/main/charts/${name}`],
    maintainers: [
      { name: `Team ${name}`, email: `${name}@example.com`, url: `https://people.example.com/teams/${name}` },
    ],
    icon: `https://static.example.com/icons/${name}.svg`,
    appVersion: `${version}-${Math.floor(random() * 2 ** 32).toString(16)}`,
    annotations: {
      'artifacthub.io/changes': [5, 6, 7].map((words) => `- ${sentence(random, words)}\n`).join(''),
      'artifacthub.io/images': `- name: ${name}\n  image: registry.example.com/${name}:${version}\n`,
      'artifacthub.io/license': 'Apache-2.0',
      'example.com/commit': Math.floor(random() * 2 ** 52)
        .toString(16)
        .padStart(40, '0'),
    },
  }
}

function sentence(random: Random, words: number): string {
  return Array.from({ length: words }, () => WORDS[Math.floor(random() * WORDS.length)]).join(' ')
}
