import { LRUCache } from 'lru-cache'
import { type ArchiveFilename } from '../chart/filename.ts'
import { type MirrorMetrics } from '../ops/mirror-metrics.ts'
import { type Breaker, createBreaker } from './breaker.ts'
import { type Mirror, type MirrorUpstream } from './mirror.ts'
import { createTurns, type Turns } from './turns.ts'

/** What is remembered of a mirror as long as it is open: with another configuration it begins anew. */
export interface MirrorState {
  /** One upstream that is slow keeps no other waiting. */
  readonly turnsOf: (upstream: MirrorUpstream) => Turns
  /** What upstreams do not have, although their index names it, and until when that counts (ms since 1970). */
  readonly missing: LRUCache<ArchiveFilename, number>
  readonly breakerOf: (upstream: MirrorUpstream) => Breaker
}

export interface MirrorStateDeps {
  readonly metrics: { readonly mirrors: Pick<MirrorMetrics, 'fetches'> }
  readonly now: () => Date
}

const MOST_MISSING = 10_000

export function createMirrorState(
  { repository, settings, upstreams }: Mirror,
  { metrics, now }: MirrorStateDeps,
): MirrorState {
  const breakers = new Map(
    upstreams.map(({ name }) => {
      const note = (until: Date | undefined): void => {
        const seconds = (until?.getTime() ?? 0) / 1000
        metrics.mirrors.fetches.suspendedUntil.set({ repository: repository || '/', upstream: name }, seconds)
      }
      return [name, createBreaker({ name, now, note })]
    }),
  )
  const turns = new Map(upstreams.map(({ name }) => [name, createTurns(settings.concurrency)]))
  return {
    turnsOf: ({ name }) => {
      const own = turns.get(name)
      if (own === undefined) throw new TypeError(`the mirror has no upstream ${name}`)
      return own
    },
    missing: new LRUCache({ max: MOST_MISSING }),
    breakerOf: ({ name }) => {
      const breaker = breakers.get(name)
      if (breaker === undefined) throw new TypeError(`the mirror has no upstream ${name}`)
      return breaker
    },
  }
}
