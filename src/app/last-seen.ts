import { LRUCache } from 'lru-cache'
import { type Logger } from 'pino'
import { type Catalog } from '../catalog/catalog.ts'
import { type VerifiedPeer } from '../http/peer.ts'

export interface LastSeenDeps {
  readonly catalog: Catalog
  readonly log: Logger
  readonly now: () => Date
}

/** How exact `chartroom cert list` is about it: one write a certificate in this time. */
const RESOLUTION_MS = 5 * 60_000
const MOST_CERTIFICATES = 10_000

/** Notes in the catalog when a certificate was last used, without making anybody wait for it. */
export class LastSeen {
  readonly #deps: LastSeenDeps
  readonly #noted = new LRUCache<string, number>({ max: MOST_CERTIFICATES })

  constructor(deps: LastSeenDeps) {
    this.#deps = deps
  }

  note({ issuerKey, identity: { serial } }: VerifiedPeer): void {
    if (issuerKey === undefined) return
    const { catalog, log } = this.#deps
    const now = this.#deps.now()
    const key = `${issuerKey} ${serial}`
    if (now.getTime() - (this.#noted.get(key) ?? 0) < RESOLUTION_MS) return
    this.#noted.set(key, now.getTime())
    catalog.noteSeen({ issuerKey, serial }, now).catch((error: unknown) => {
      log.warn({ err: error }, 'when a certificate was last used could not be noted')
    })
  }
}
