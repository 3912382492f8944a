import { type Catalog } from '../catalog/catalog.ts'
import { type ChartDependency } from '../chart/metadata.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { parseVersionConstraint, type VersionConstraint } from '../chart/version-constraint.ts'
import { type ChartVersion } from '../chart/version.ts'
import { AppError } from '../errors.ts'
import { provides, type Provider } from './provider.ts'

export interface ClosureDeps {
  readonly catalog: Pick<Catalog, 'readIndex'>
  /** The mirrors that are configured, with where each has its charts from. */
  readonly providers: readonly Provider[]
}

/** One dependency as charts of the repository name it, alike in all three fields. */
export interface Dependency {
  /** As it stands in the chart; empty where none is named. */
  readonly url: string
  readonly name: string
  /** Empty: any version. */
  readonly range: string
  readonly neededBy: readonly { readonly name: string; readonly version: string }[]
}

export interface Closure {
  /** How many of the dependencies, each counted once, are here. */
  readonly held: number
  readonly missing: readonly (Dependency & {
    /** The mirrors of that URL, which do not have it. */
    readonly mirrors: readonly RepositoryName[]
  })[]
  /** `@name`, `alias:name`: what somebody's `helm repo add` called a repository. Which one it was, nobody can tell. */
  readonly aliases: readonly Dependency[]
  /** `file://`, or no repository at all: the chart must bring them along. */
  readonly bundled: readonly Dependency[]
}

/**
 * Which dependencies of the charts in a mirror's index are not to be had from it, nor from another mirror of the URL that
 * they name. Every version in the index counts, stored or only listed. Asks no upstream.
 */
export async function findClosure(
  { catalog, providers }: ClosureDeps,
  repository: RepositoryName,
): Promise<Closure> {
  const dependencies = new Map<string, Dependency & { readonly neededBy: Needing[] }>()
  const own = await readHoldings(catalog, repository, (needing, dependency) => {
    addDependency(dependencies, needing, dependency)
  })
  const holdings = new Map([[repository, own]])
  const holdingsOf = async (name: RepositoryName): Promise<Holdings> => {
    const known = holdings.get(name) ?? (await readHoldings(catalog, name))
    holdings.set(name, known)
    return known
  }
  const closure = {
    held: 0,
    missing: [] as Mutable<Closure['missing']>,
    aliases: [] as Dependency[],
    bundled: [] as Dependency[],
  }
  for (const dependency of dependencies.values()) {
    const mirrors = providers
      .filter((provider) => provides(provider, dependency))
      .map((found) => found.repository)
    if (await isHeld(dependency, [repository, ...mirrors], holdingsOf)) closure.held += 1
    else if (isBundled(dependency.url)) closure.bundled.push(dependency)
    else if (isAlias(dependency.url)) closure.aliases.push(dependency)
    else closure.missing.push({ ...dependency, mirrors })
  }
  return closure
}

type Mutable<T extends readonly unknown[]> = T[number][]
type Needing = Dependency['neededBy'][number]
type Holdings = ReadonlyMap<string, readonly ChartVersion[]>

/** What an entry of the index has that counts here; it was written by this server. */
interface IndexEntry {
  readonly name: string
  readonly version: ChartVersion
  readonly dependencies?: readonly ChartDependency[]
}

async function readHoldings(
  catalog: ClosureDeps['catalog'],
  repository: RepositoryName,
  onDependency: (needing: Needing, dependency: ChartDependency) => void = () => undefined,
): Promise<Holdings> {
  const holdings = new Map<string, ChartVersion[]>()
  await catalog.readIndex(repository, async ({ versions }) => {
    for await (const batch of versions) {
      for (const { fragment } of batch) {
        const { name, version, dependencies = [] } = JSON.parse(fragment) as IndexEntry
        const held = holdings.get(name)
        if (held === undefined) holdings.set(name, [version])
        else held.push(version)
        for (const dependency of dependencies) onDependency({ name, version }, dependency)
      }
    }
  })
  return holdings
}

function addDependency(
  known: Map<string, Dependency & { readonly neededBy: Needing[] }>,
  needing: Needing,
  { repository: url = '', name, version: range = '' }: ChartDependency,
): void {
  const key = JSON.stringify([url, name, range])
  const found = known.get(key)
  if (found === undefined) known.set(key, { url, name, range, neededBy: [needing] })
  else found.neededBy.push(needing)
}

/** What the chart brings along itself is never asked for; so it is not looked for either. */
async function isHeld(
  { url, name, range }: Dependency,
  repositories: readonly RepositoryName[],
  holdingsOf: (repository: RepositoryName) => Promise<Holdings>,
): Promise<boolean> {
  const satisfies = isBundled(url) ? undefined : findConstraint(range)
  if (satisfies === undefined) return false
  for (const repository of new Set(repositories)) {
    const versions = (await holdingsOf(repository)).get(name) ?? []
    if (versions.some(satisfies)) return true
  }
  return false
}

/** `undefined` for what Helm cannot read either. */
function findConstraint(range: string): VersionConstraint | undefined {
  if (range === '') return () => true
  try {
    return parseVersionConstraint(range)
  } catch (error) {
    if (error instanceof AppError) return undefined
    throw error
  }
}

function isBundled(url: string): boolean {
  return url === '' || url.startsWith('file://')
}

/** As Helm's `downloader.Manager` tells them. */
function isAlias(url: string): boolean {
  return url.startsWith('@') || url.startsWith('alias:')
}
