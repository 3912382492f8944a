import { LRUCache } from 'lru-cache'
import { type Catalog } from '../catalog/catalog.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { pausing } from '../ops/turn.ts'
import { type RenderedIndex } from '../repoindex/rendered-index.ts'
import { type SettingsOf } from './settings.ts'

export interface KeptNamesDeps {
  readonly catalog: Catalog
  readonly settingsOf: SettingsOf
}

const MOST_REPOSITORIES = 1000

const NONE: ReadonlySet<string> = new Set()

/**
 * The charts whose names a repository has tombstones of and nothing else. They stay its own, as the version stays taken,
 * unless its `tombstones` are released.
 */
export class KeptNames {
  readonly #deps: KeptNamesDeps
  readonly #known = new LRUCache<
    RepositoryName,
    { readonly revision: number; readonly names: ReadonlySet<string> }
  >({ max: MOST_REPOSITORIES })

  constructor(deps: KeptNamesDeps) {
    this.#deps = deps
  }

  /** Besides those in its index. Where that is out of date by now, there may be more, whose charts have just come. */
  async of(repository: RepositoryName, index: RenderedIndex): Promise<ReadonlySet<string>> {
    if (this.#deps.settingsOf(repository).tombstones === 'release') return NONE
    const known = this.#known.get(repository)
    if (known?.revision === index.revision) return known.names
    const { revision, names: all } = (await this.#deps.catalog.listChartNames(repository)) ?? GONE
    const names = await missingIn(index, all)
    if (revision === index.revision) this.#known.set(repository, { revision, names })
    return names
  }
}

async function missingIn(index: RenderedIndex, all: readonly string[]): Promise<ReadonlySet<string>> {
  const pause = pausing()
  const names = new Set<string>()
  for (const name of all) {
    if (!index.has(name)) names.add(name)
    await pause()
  }
  return names
}

const GONE = { revision: -1, names: [] }
