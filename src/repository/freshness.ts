import { type RepositoryName } from '../chart/repository-name.ts'

/** How old what a mirror knows of its upstreams is. */
export interface Freshness {
  /** How long it still counts as fresh; negative: since when it does no more. */
  readonly ttlMs: number
  /** Why it is stale, as far as that is known; for people. */
  readonly detail?: string
}

/**
 * Makes sure that there is something to read: waits only where an upstream has never been read, and throws `unavailable`
 * where that does not come about. What is stale is brought up to date behind. `undefined` for what is no mirror.
 */
export type EnsureFresh = (repository: RepositoryName) => Promise<Freshness | undefined>
