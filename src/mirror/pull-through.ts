import { type Actor } from '../catalog/catalog.ts'
import { type Offer, type Offers } from '../catalog/offers.ts'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { type EnsureFresh } from '../repository/freshness.ts'
import { type OfferedVersion, type OfferedVersions } from '../repository/offered-versions.ts'
import { type Fetcher } from './fetch-offer.ts'
import { listsOffers, type Mirror } from './mirror.ts'
import { reasonAgainst } from './reason-against.ts'

/** Readers, unlike a sync, have somebody waiting for an answer. */
const LONGEST_WAIT_MS = 30_000

export interface PullThroughDeps {
  readonly catalog: { readonly offers: Pick<Offers, 'findOfferByFilename' | 'listOffers'> }
  readonly fetcher: Fetcher
  /** As configured now. */
  readonly findMirror: (repository: RepositoryName) => Mirror | undefined
  readonly ensureFresh: EnsureFresh
}

/**
 * Fetches what is listed and not stored when somebody asks for it, once however many ask at a time. A fetch goes on when
 * all of them have left; closing interrupts it.
 */
export class PullThrough implements OfferedVersions {
  readonly #deps: PullThroughDeps
  readonly #underWay = new Map<string, Promise<unknown>>()
  readonly #closing = new AbortController()

  constructor(deps: PullThroughDeps) {
    this.#deps = deps
  }

  covers(repository: RepositoryName): boolean {
    return this.#deps.findMirror(repository) !== undefined
  }

  async list(repository: RepositoryName, chart: ChartName): Promise<readonly OfferedVersion[]> {
    const { findMirror, ensureFresh, catalog } = this.#deps
    const mirror = findMirror(repository)
    if (mirror === undefined || !listsOffers(mirror.settings)) return []
    await ensureFresh(repository)
    const offered: OfferedVersion[] = []
    for await (const batch of catalog.offers.listOffers(repository, { which: 'missing', chart })) {
      offered.push(...batch)
    }
    return offered
  }

  async refuseWithheld(repository: RepositoryName, filename: ArchiveFilename): Promise<void> {
    const mirror = this.#deps.findMirror(repository)
    const offer = mirror && (await this.#deps.catalog.offers.findOfferByFilename(repository, filename))
    if (mirror !== undefined && offer !== undefined && offer.stored !== 'live')
      requireAvailable(mirror, offer)
  }

  async bring(
    authorisation: Authorisation<'read'>,
    filename: ArchiveFilename,
    by: Actor,
  ): Promise<'stored' | 'unknown'> {
    const mirror = this.#deps.findMirror(authorisation.repository)
    if (mirror === undefined) return 'unknown'
    const offer = await this.#findOffer(mirror, filename)
    if (offer === undefined || authorisation.chartScope?.covers(offer.name) === false) return 'unknown'
    if (offer.stored === 'live') return 'stored'
    requireAvailable(mirror, offer)
    await this.#fetchOnce(mirror, offer, by)
    return 'stored'
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.allSettled(this.#underWay.values())
  }

  /** What is known needs no upstream to be read first. */
  async #findOffer({ repository }: Mirror, filename: ArchiveFilename): Promise<Offer | undefined> {
    const { catalog, ensureFresh } = this.#deps
    const known = await catalog.offers.findOfferByFilename(repository, filename)
    if (known !== undefined) return known
    await ensureFresh(repository)
    return catalog.offers.findOfferByFilename(repository, filename)
  }

  async #fetchOnce(mirror: Mirror, offer: Offer, by: Actor): Promise<void> {
    const key = `${mirror.repository} ${offer.filename}`
    const { signal } = this.#closing
    const fetching =
      this.#underWay.get(key) ??
      this.#deps.fetcher
        .fetch(mirror, offer, { by, signal, waitMs: LONGEST_WAIT_MS })
        .finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, fetching)
    await fetching
  }
}

/** Throws `chart-unknown` with the reason. */
function requireAvailable({ settings }: Mirror, offer: Offer): void {
  const reason =
    reasonAgainst(offer) ?? (listsOffers(settings) ? undefined : 'it has not been synchronised yet')
  if (reason !== undefined) throw new AppError('chart-unknown', `${offer.name} ${offer.version}: ${reason}`)
}
