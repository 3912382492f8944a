import { discardAtEnd } from '../blobs/discard.ts'
import { type Actor } from '../catalog/catalog.ts'
import { type Offer } from '../catalog/offers.ts'
import { AppError } from '../errors.ts'
import { type PublishDeps } from '../repository/publish.ts'
import { requireRoom, requireWritable } from '../repository/admission.ts'
import { type AlarmDeps } from './alarms.ts'
import { download } from './download.ts'
import { describeFailure, noteFailure, noteSuccess, type NoteDeps } from './fetch-notes.ts'
import { type Mirror, type MirrorUpstream } from './mirror.ts'
import { createMirrorState, type MirrorState, type MirrorStateDeps } from './mirror-state.ts'
import { reasonAgainst } from './reason-against.ts'
import { storeOffer, type StoreDeps } from './store-offer.ts'

export type FetchDeps = PublishDeps & StoreDeps & MirrorStateDeps & NoteDeps & AlarmDeps

export interface FetchRequest {
  /** On whose behalf: who asked for the version, or for a sync. */
  readonly by: Actor
  readonly signal: AbortSignal
  /** The longest to wait for a turn; for as long as it takes, unless given. */
  readonly waitMs?: number
}

/** Brings versions that upstreams offer into their mirror repositories: as many at a time as the mirror may. */
export interface Fetcher {
  /**
   * Makes an open offer a version of its repository, checked, countersigned and audited; `unchanged` where another
   * process was first. When it throws, nothing is left behind: `chart-unknown` where the upstream has it no more,
   * `unavailable` for what may pass, `upstream-invalid` for bytes or signatures that are not what they should be,
   * `request-aborted` when the signal aborts, `overloaded`, and what the repository itself refuses.
   */
  readonly fetch: (mirror: Mirror, offer: Offer, request: FetchRequest) => Promise<'stored' | 'unchanged'>
}

/** One for each process: what it remembers of a mirror is shared by all who fetch. */
export function createFetcher(deps: FetchDeps): Fetcher {
  const states = new WeakMap<Mirror, MirrorState>()
  const stateOf = (mirror: Mirror): MirrorState => {
    const state = states.get(mirror) ?? createMirrorState(mirror, deps)
    states.set(mirror, state)
    return state
  }
  return {
    fetch: async (mirror, offer, request) => {
      const upstream = findUpstream(mirror, offer)
      const state = stateOf(mirror)
      await admit(deps, mirror, offer, state)
      const fetching = { mirror, upstream, offer, state, ...request }
      return state.turnsOf(upstream).take(() => fetchInTurn(deps, fetching), request.signal, request.waitMs)
    },
  }
}

interface Fetching extends FetchRequest {
  readonly mirror: Mirror
  readonly upstream: MirrorUpstream
  readonly offer: Offer
  readonly state: MirrorState
}

function findUpstream({ upstreams }: Mirror, { upstream, name, version }: Offer): MirrorUpstream {
  const found = upstreams.find((one) => one.name === upstream)
  if (found !== undefined) return found
  throw new AppError(
    'chart-unknown',
    `${name} ${version} is of upstream ${upstream}, which is no longer configured`,
  )
}

/** What can be said without asking anybody. */
async function admit(
  { catalog, settingsOf, now }: FetchDeps,
  { repository, settings }: Mirror,
  offer: Offer,
  { missing }: MirrorState,
): Promise<void> {
  requireWritable(settingsOf, repository)
  if (settings.offline) {
    throw new AppError(
      'unavailable',
      `${offer.name} ${offer.version} is not stored here, and this mirror is offline`,
    )
  }
  if ((missing.get(offer.filename) ?? 0) > now().getTime()) throw describeFailure(offer, absent(offer))
  await requireRoom(catalog, offer, 0, settingsOf(repository).quota)
}

async function fetchInTurn(deps: FetchDeps, waited: Fetching): Promise<'stored' | 'unchanged'> {
  const { mirror, state, by } = waited
  if (await isStored(deps, waited.offer)) return 'unchanged'
  const offer = await requireOffered(deps, waited.offer).catch((error: unknown) => {
    throw error instanceof AppError ? describeFailure(waited.offer, error) : error
  })
  const upstream = findUpstream(mirror, offer)
  const fetching = { ...waited, offer, upstream }
  state.breakerOf(upstream).admit()
  const actor = { ...by, who: `mirror ${upstream.name}`, at: deps.now(), detail: `fetched for ${by.who}` }
  const attempt = { repository: mirror.repository, offer, actor, beganMs: performance.now() }
  try {
    const outcome = await fetchOnce(deps, fetching, actor)
    noteSuccess(deps, attempt, outcome)
    return outcome
  } catch (error) {
    throw await noteFailure(deps, attempt, error)
  }
}

/** Also since the offer was read: by another process, or while this one waited for its turn. */
async function isStored({ catalog }: FetchDeps, offer: Offer): Promise<boolean> {
  const known = await catalog.findTombstone(offer)
  if (known?.withdrawn !== true) return known !== undefined
  throw new AppError('chart-unknown', `${offer.name} ${offer.version} was deleted here`)
}

/**
 * As it stands now: an administrator, or a reading of the index, may have decided otherwise meanwhile. The catalog judges
 * again in its transaction.
 */
async function requireOffered({ catalog }: FetchDeps, offer: Offer): Promise<Offer> {
  const current = await catalog.offers.findOffer(offer)
  if (current === undefined) throw new AppError('chart-unknown', 'it is offered no more')
  const reason = current.stored === 'live' ? undefined : reasonAgainst(current)
  if (reason !== undefined) throw new AppError('chart-unknown', reason)
  return current
}

async function fetchOnce(
  deps: FetchDeps,
  { mirror, upstream, offer, state, signal }: Fetching,
  actor: Actor,
): Promise<'stored' | 'unchanged'> {
  const { repository, settings } = mirror
  const downloaded = await state
    .breakerOf(upstream)
    .watch(() => download(deps.blobs, upstream, offer, signal))
  if (downloaded === undefined) {
    state.missing.set(offer.filename, deps.now().getTime() + settings.missingTtl)
    throw absent(offer)
  }
  const { archive } = downloaded
  try {
    deps.metrics.mirrors.fetches.bytes.inc(
      { repository: repository || '/', upstream: upstream.name },
      archive.size,
    )
    await requireOffered(deps, offer)
    return await storeOffer(deps, { upstream, offer, actor, ...downloaded })
  } finally {
    await discardAtEnd(archive)
  }
}

function absent({ filename }: Offer): AppError {
  return new AppError('chart-unknown', `it does not have ${filename}, although its index names it`)
}
