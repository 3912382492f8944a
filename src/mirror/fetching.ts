import { type Actor, type Catalog } from '../catalog/catalog.ts'
import { type Offer } from '../catalog/offers.ts'
import { AppError, type ErrorCode } from '../errors.ts'
import { elapses } from './elapses.ts'
import { type Fetcher } from './fetch-offer.ts'
import { type Mirror } from './mirror.ts'
import { type FetchedVersion, type RefusedVersion } from './sync-report.ts'

export interface FetchingDeps {
  readonly fetcher: Fetcher
  readonly catalog: Pick<Catalog, 'findVersion'>
}

export interface FetchingOptions {
  readonly by: Actor
  /** Breaks it off: what has been fetched stays, and the next run does the rest. */
  readonly signal: AbortSignal
  /** The mirror as it is configured by now; without it, it stays what it is. */
  readonly current?: () => Mirror | undefined
}

export interface Fetching {
  /** Never throws for what is wrong with the offer or its upstream: that is in the result. */
  readonly take: (offer: Offer) => Promise<void>
  readonly mayGoOn: () => boolean
  readonly result: () => FetchingResult
}

export interface FetchingResult {
  readonly fetched: readonly FetchedVersion[]
  readonly refused: readonly RefusedVersion[]
  /** Why the rest was not tried. */
  readonly stopped: string | undefined
}

/** What concerns the whole run and not one version. */
const ENDING: ReadonlySet<ErrorCode> = new Set([
  'blob-missing',
  'config-invalid',
  'key-unusable',
  'quota-exceeded',
  'read-only',
  'repository-unknown',
  'request-aborted',
  'storage-full',
])

const ATTEMPTS = 3
const FIRST_PAUSE_MS = 1000
/** A registry that says "in an hour" is left for the next run. */
const LONGEST_PAUSE_MS = 30_000
/** After so many versions in a row that an upstream could not give, the rest of it is left for the next run. */
const MOST_FAILURES = 5

const PASSING: ReadonlySet<ErrorCode> = new Set(['overloaded', 'unavailable'])

/** One run's fetches. What may pass is tried again, after the time that the upstream asks for. */
export function createFetching(
  { fetcher, catalog }: FetchingDeps,
  mirror: Mirror,
  { by, signal, current = () => mirror }: FetchingOptions,
): Fetching {
  const fetched: FetchedVersion[] = []
  const refused: RefusedVersion[] = []
  const failures = new Map<string, number>()
  const state: { stopped: string | undefined } = { stopped: undefined }
  const fail = ({ name, version, upstream }: Offer, error: unknown): void => {
    if (!(error instanceof AppError)) throw error
    if (signal.aborted) return
    if (ENDING.has(error.code)) state.stopped ??= error.message
    else refused.push({ name, version, upstream, reason: error.message })
    failures.set(upstream, PASSING.has(error.code) ? (failures.get(upstream) ?? 0) + 1 : 0)
  }
  return {
    take: async (offer) => {
      const { name, version, upstream } = offer
      if ((failures.get(upstream) ?? 0) >= MOST_FAILURES) return
      try {
        await attempt(() => fetcher.fetch(requireCurrent(current()), offer, { by, signal }), signal)
        const stored = await catalog.findVersion(offer)
        fetched.push({ name, version, upstream, reading: stored?.reading ?? 'strict' })
        failures.set(upstream, 0)
      } catch (error) {
        fail(offer, error)
      }
    },
    mayGoOn: () => !signal.aborted && state.stopped === undefined,
    result: () => ({ fetched, refused, stopped: state.stopped ?? describeEnd(signal) }),
  }
}

function requireCurrent(mirror: Mirror | undefined): Mirror {
  if (mirror !== undefined) return mirror
  throw new AppError('config-invalid', 'by the configuration, it is no mirror any more')
}

async function attempt<T>(fetch: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let count = 1; ; count += 1) {
    try {
      return await fetch()
    } catch (error) {
      if (!(error instanceof AppError) || !PASSING.has(error.code) || count === ATTEMPTS) throw error
      const { retryAfterS = 0 } = error
      const pauseMs = Math.max(retryAfterS * 1000, FIRST_PAUSE_MS * 2 ** (count - 1))
      if (pauseMs > LONGEST_PAUSE_MS || !(await elapses(pauseMs, signal))) throw error
    }
  }
}

function describeEnd(signal: AbortSignal): string | undefined {
  if (!signal.aborted) return undefined
  const reason: unknown = signal.reason
  return reason instanceof AppError
    ? reason.message
    : 'interrupted; the next run goes on where this one stopped'
}
