import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { findArchiveFilename, type FilenameReading } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { narrowScope, type Authorisation, type ChartScope } from '../policy/policy.ts'
import { hasVersion, ownerOf, type IndexMember } from '../repoindex/merged-index.ts'
import { type RenderedIndex } from '../repoindex/rendered-index.ts'
import { quoted } from '../text.ts'
import { type EnsureFresh } from './freshness.ts'
import { type IndexCache } from './index-cache.ts'
import { KeptNames } from './kept-names.ts'
import { MergedIndexCache } from './merged-index-cache.ts'
import { requireReading } from './require-reading.ts'
import { type ServedIndex } from './served-index.ts'
import { type SettingsOf } from './settings.ts'

export interface VirtualDeps {
  readonly catalog: Catalog
  readonly indexes: IndexCache
  readonly settingsOf: SettingsOf
  /** Of a mirror that was never read, nobody knows which names are its own. */
  readonly ensureFresh: EnsureFresh
}

/** A member, and what the caller may read of it. */
interface Asked {
  readonly repository: RepositoryName
  /** `undefined`: nothing. */
  readonly authorisation: Authorisation<'read'> | undefined
  /** By the grants on both; absent: all of it. */
  readonly scope: ChartScope | undefined
}

/** And where it stands among the members. */
type Named = Asked & Pick<IndexMember, 'whole' | 'kept'> & { readonly place: number }

/**
 * Virtual repositories: of several members in their order, each chart is that of the first one that has its name, whoever
 * may see that. The caller reads what the grants on the virtual repository and those on the chart's member both allow.
 */
export class VirtualRepositories {
  readonly #deps: VirtualDeps
  readonly #kept: KeptNames
  readonly #merged: MergedIndexCache

  constructor(deps: VirtualDeps) {
    this.#deps = deps
    this.#kept = new KeptNames(deps)
    this.#merged = new MergedIndexCache(deps.catalog.epoch)
  }

  /** What the caller sees of a virtual repository; `undefined` for any other. */
  async readIndex(authorisation: Authorisation<'read'>): Promise<ServedIndex | undefined> {
    const asked = this.#membersOf(authorisation)
    if (asked === undefined) return undefined
    const layout = asked.map(({ repository, authorisation: allowed, scope }) => ({
      repository,
      tombstones: this.#deps.settingsOf(repository).tombstones,
      sees: allowed === undefined ? 'nothing' : (scope?.key ?? 'everything'),
    }))
    return this.#merged.read(JSON.stringify(layout), {
      revisions: async () => {
        const indexes = await Promise.all(asked.map(({ repository }) => this.#readMember(repository)))
        return indexes.map(({ revision }) => revision)
      },
      members: () => Promise.all(asked.map((member) => this.#open(member))),
    })
  }

  /**
   * By what the chart is read: the right to its member, or, where nothing is virtual, the caller's own. Throws
   * `chart-unknown`, also for what the caller may not see, `not-allowed`, and `unavailable` where a member cannot be read.
   */
  async holderOf(authorisation: Authorisation<'read'>, name: ChartName): Promise<Authorisation<'read'>> {
    const asked = this.#membersOf(authorisation)
    if (asked === undefined) return authorisation
    authorisation.requireChart(name)
    const owner = await this.#findOwner(asked, name)
    return rightTo(owner, name) ?? unknown(`there is no chart ${name} here`)
  }

  /** The same for the chart whose archive has this file name. */
  async holderOfFile(authorisation: Authorisation<'read'>, filename: string): Promise<Authorisation<'read'>> {
    const asked = this.#membersOf(authorisation)
    if (asked === undefined) return authorisation
    const readings = requireReading(authorisation, findArchiveFilename(filename))
    const found = await this.#findFile(asked, readings)
    const holder = found && rightTo(found.owner, found.name)
    return holder ?? unknown(`there is no chart ${quoted(filename)} here`)
  }

  /** The repositories that the caller may read something of by way of this one; itself, where it is not virtual. */
  readableParts(authorisation: Authorisation<'read'>): readonly RepositoryName[] {
    const asked = this.#membersOf(authorisation)
    if (asked === undefined) return [authorisation.repository]
    return asked.filter((member) => member.authorisation !== undefined).map(({ repository }) => repository)
  }

  #membersOf(authorisation: Authorisation<'read'>): readonly Asked[] | undefined {
    return this.#deps.settingsOf(authorisation.repository).virtual?.map((repository) => {
      const allowed = authorisation.elsewhere(repository)
      const scope = allowed && narrowScope(authorisation.chartScope, allowed.chartScope)
      return { repository, authorisation: allowed, scope }
    })
  }

  /** The chart that the file is of: if it can be of several, that of the earlier member among those that are there. */
  async #findFile(
    asked: readonly Asked[],
    readings: readonly FilenameReading[],
  ): Promise<{ readonly name: ChartName; readonly owner: Named } | undefined> {
    const owned = []
    for (const { name, version } of readings) {
      const owner = await this.#findOwner(asked, name)
      if (owner !== undefined) owned.push({ name, version, owner })
    }
    const present = owned.filter(({ owner, name, version }) => hasVersion(owner.whole, name, version))
    // Of what is not there, the owner knows the reason.
    return (present.length > 0 ? present : owned).toSorted((a, b) => a.owner.place - b.owner.place)[0]
  }

  /** Later members are not even looked at: theirs may be a mirror that cannot be read now. */
  async #findOwner(asked: readonly Asked[], name: ChartName): Promise<Named | undefined> {
    for (const [place, member] of asked.entries()) {
      await this.#deps.ensureFresh(member.repository)
      const whole = await this.#readMember(member.repository)
      const kept = await this.#kept.of(member.repository, whole)
      const owner = ownerOf([{ ...member, place, whole, kept }], name)
      if (owner !== undefined) return owner
    }
    return undefined
  }

  async #open({ repository, authorisation, scope }: Asked): Promise<IndexMember> {
    const whole = await this.#readMember(repository)
    const shown = scope === undefined ? whole : await this.#deps.indexes.read(repository, scope)
    return {
      whole,
      shown: authorisation === undefined ? undefined : shown,
      kept: await this.#kept.of(repository, whole),
    }
  }

  /** Without a member, its names would be another's: then nothing is served. */
  async #readMember(repository: RepositoryName): Promise<RenderedIndex> {
    try {
      return await this.#deps.indexes.read(repository)
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'repository-unknown')) throw error
      throw new AppError('unavailable', 'a member of this virtual repository is not there', { cause: error })
    }
  }
}

function rightTo(owner: Asked | undefined, name: ChartName): Authorisation<'read'> | undefined {
  if (owner?.scope?.covers(name) === false) return undefined
  return owner?.authorisation
}

function unknown(message: string): never {
  throw new AppError('chart-unknown', message)
}

/** The actor with the virtual repository that was asked, for the audit trail; as it is where none was. */
export function askedThrough(actor: Actor, { repository }: Authorisation, holder: Authorisation): Actor {
  if (holder.repository === repository) return actor
  return { ...actor, detail: `through ${describeRepository(repository)}` }
}
