import { type Catalog, type IndexSnapshot } from '../../src/catalog/catalog.ts'
import { type RepositoryName } from '../../src/chart/repository-name.ts'
import { type IndexSource } from '../../src/repoindex/rendered-index.ts'

export interface WholeIndex {
  readonly revision: number
  readonly changedAt: Date
  readonly charts: readonly { readonly name: string; readonly fragments: readonly string[] }[]
}

/** What the catalog says of the index, read to the end. */
export async function readWhole(
  catalog: Catalog,
  repository: RepositoryName,
): Promise<WholeIndex | undefined> {
  return catalog.readIndex(repository, collect)
}

async function collect({ revision, changedAt, versions }: IndexSnapshot): Promise<WholeIndex> {
  const charts: { readonly name: string; readonly fragments: string[] }[] = []
  for await (const batch of versions) {
    for (const { name, fragment } of batch) {
      if (charts.at(-1)?.name !== name) charts.push({ name, fragments: [] })
      charts.at(-1)?.fragments.push(fragment)
    }
  }
  return { revision, changedAt, charts }
}

/** An index made of these charts, each with its fragments from the newest version to the oldest. */
export function indexSource(
  charts: Readonly<Record<string, readonly string[]>>,
  { revision = 1, changedAt = new Date('2026-01-02T03:04:05Z') } = {},
): IndexSource {
  const versions = Object.keys(charts)
    .sort()
    .flatMap((name) => {
      const fragments = charts[name] ?? []
      return fragments.map((fragment, place) => ({ name, fragment, sortKey: descendingKey(place) }))
    })
  return { revision, changedAt, versions: [versions] }
}

/** The less, the later the place. */
export function descendingKey(place: number): string {
  return String(999_999 - place).padStart(6, '0')
}
