import { type Offer, type OfferDifference, type Offers } from '../catalog/offers.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { chartDifferences, type DifferenceRules } from './chart-differences.ts'
import { compileFilters, type Filter, type Filters } from './filters.ts'
import { type IndexBatch, type RefusedEntry } from './index-entries.ts'
import { type UpstreamEntry } from './upstream-entry.ts'

export interface CollectDeps {
  readonly offers: Pick<Offers, 'listOffers'>
  readonly repository: RepositoryName
  readonly filters: Filters
  /** The charts that upstreams before this one have. */
  readonly taken: ReadonlySet<string>
  readonly rules: DifferenceRules
}

/**
 * What an index makes different from what is recorded, put together while it is read: nothing is written before it has
 * come to its end. What is as before takes no memory.
 */
export class DifferenceCollector {
  readonly differences: OfferDifference[] = []
  readonly refused: RefusedEntry[] = []
  /** What is stored here and was taken out upstream: not what the filters leave out since they are others. */
  readonly deleted: Offer[] = []
  readonly #deps: CollectDeps
  readonly #select: Filter
  readonly #seen = new Set<ChartName>()

  constructor(deps: CollectDeps) {
    this.#deps = deps
    this.#select = compileFilters(deps.filters)
  }

  async take({ entries, refused }: IndexBatch): Promise<void> {
    this.refused.push(...refused)
    for (const [name, versions] of Map.groupBy(entries, (entry) => entry.name)) {
      if (this.#deps.taken.has(name)) continue
      this.#seen.add(name)
      await this.#compare(name, versions)
    }
  }

  /** `before`: the charts that the upstream had. */
  async finish(before: readonly ChartName[]): Promise<void> {
    for (const name of before) if (!this.#seen.has(name)) await this.#compare(name, [])
  }

  async #compare(name: ChartName, entries: readonly UpstreamEntry[]): Promise<void> {
    const { offers, repository, rules, taken } = this.#deps
    const known: Offer[] = []
    for await (const page of offers.listOffers(repository, { chart: name })) known.push(...page)
    // What another upstream offers of a chart that this one has lost stays.
    const own = entries.length > 0 ? known : known.filter(({ upstream }) => upstream === rules.upstream)
    const { differences, vanished } = await chartDifferences(own, entries, rules)
    // No spread: a call takes some ten thousands of arguments at most.
    for (const difference of differences) this.differences.push(difference)
    if (taken.has(name)) return
    const stored = vanished.filter((offer) => offer.stored === 'live')
    const selected = new Set<unknown>(stored.length === 0 ? [] : this.#select([...entries, ...stored]))
    this.deleted.push(...stored.filter((offer) => selected.has(offer)))
  }
}
