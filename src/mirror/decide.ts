import { type Actor, type Catalog, type VersionId } from '../catalog/catalog.ts'
import { type Offer, type OfferSelection } from '../catalog/offers.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { AppError } from '../errors.ts'
import { type Authorisation } from '../policy/policy.ts'
import { requireRepository } from '../repository/require-repository.ts'

export interface DecideDeps {
  readonly catalog: Catalog
}

export interface Decided {
  readonly chart: ChartName
  /** None: all of the chart's that it can be said of. */
  readonly versions: readonly ChartVersion[]
}

/** Resolves with what is otherwise now. Throws `chart-unknown`, with the reason, where nothing is. */
export type Decide = (
  deps: DecideDeps,
  authorisation: Authorisation<'admin'>,
  decided: Decided,
  actor: Actor,
) => Promise<readonly VersionId[]>

/** Lets through what is held back or rejected. */
export const releaseOffers: Decide = async (deps, authorisation, decided, actor) => {
  const { offers } = deps.catalog
  return decide(deps, authorisation, decided, (selection) => offers.releaseOffers(selection, actor))
}

/**
 * Takes the digest that the upstream says now of what is not stored, and lets it through. Throws `request-invalid` where
 * no versions are named: each is a decision of its own.
 */
export const acceptDigests: Decide = async (deps, authorisation, decided, actor) => {
  const { versions } = decided
  if (versions.length === 0)
    throw new AppError('request-invalid', 'name the versions whose digests are to be accepted')
  const { offers } = deps.catalog
  return decide(deps, authorisation, decided, (selection) =>
    offers.acceptDigests({ ...selection, versions }, actor),
  )
}

/** Keeps out what is not stored, until it is released. */
export const rejectOffers: Decide = async (deps, authorisation, decided, actor) => {
  const { offers } = deps.catalog
  return decide(deps, authorisation, decided, (selection) => offers.rejectOffers(selection, actor))
}

async function decide(
  { catalog }: DecideDeps,
  authorisation: Authorisation<'admin'>,
  { chart, versions }: Decided,
  change: (selection: OfferSelection) => Promise<readonly VersionId[]>,
): Promise<readonly VersionId[]> {
  const { repository } = authorisation
  authorisation.requireChart(chart)
  await requireRepository(catalog, repository)
  const changed = await change({ repository, chart, ...(versions.length > 0 && { versions }) })
  if (changed.length > 0) return changed
  const [version] = versions
  if (version === undefined) {
    const rejected = describeRejected(await listRejected(catalog, repository, chart))
    throw new AppError('chart-unknown', `there is nothing of ${chart} to decide on${rejected}`)
  }
  const offer = await catalog.offers.findOffer({ repository, name: chart, version })
  const state = offer === undefined ? 'offered by no upstream' : describeState(offer)
  throw new AppError('chart-unknown', `there is nothing to decide on: ${chart} ${version} is ${state}`)
}

async function listRejected(
  { offers }: Pick<Catalog, 'offers'>,
  repository: RepositoryName,
  chart: ChartName,
): Promise<readonly ChartVersion[]> {
  const versions: ChartVersion[] = []
  for await (const batch of offers.listOffers(repository, { which: 'rejected' })) {
    for (const { name, version } of batch) if (name === chart) versions.push(version)
  }
  return versions
}

const MOST_SHOWN = 10

/** A release without versions leaves them alone: each rejection was a decision of its own. */
function describeRejected(versions: readonly ChartVersion[]): string {
  if (versions.length === 0) return ''
  const more = versions.length > MOST_SHOWN ? ` and ${versions.length - MOST_SHOWN} more` : ''
  return `; rejected: ${versions.slice(0, MOST_SHOWN).join(' ')}${more} (name them to release them)`
}

function describeState({ state, stored, goneAt, other }: Offer): string {
  if (stored === 'live') return 'stored already: delete it instead'
  if (stored === 'withdrawn') return 'deleted here'
  if (goneAt !== undefined) return 'gone upstream'
  return other === undefined
    ? `${state} already`
    : `${state} already, but has another digest upstream by now, which may be accepted`
}
