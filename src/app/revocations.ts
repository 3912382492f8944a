import { type Logger } from 'pino'
import { type Catalog } from '../catalog/catalog.ts'
import { type RevocationCheck, type VerifiedPeer } from '../http/peer.ts'
import { type RevocationLists } from './revocation-lists.ts'

export interface RevocationsDeps {
  readonly catalog: Catalog
  /** From the CRL files in force. */
  readonly lists: () => RevocationLists
  readonly log: Logger
}

/** How long a revocation made by another process may take to be in force here. */
const POLL_MS = 250

type State = ReturnType<RevocationCheck['stateOf']>

/**
 * What is revoked: by the catalog's own list, which `chartroom cert revoke` writes, and by CRL files. Answered from
 * memory, at most `POLL_MS` behind the catalog.
 */
export class Revocations implements RevocationCheck {
  readonly #deps: RevocationsDeps
  #own: ReadonlyMap<string, Date> = new Map()
  #revision = -1
  #timer: NodeJS.Timeout | undefined

  private constructor(deps: RevocationsDeps) {
    this.#deps = deps
  }

  static async open(deps: RevocationsDeps): Promise<Revocations> {
    const revocations = new Revocations(deps)
    await revocations.#refresh()
    return revocations
  }

  /** Calls back whenever the catalog's list has grown, until closed. */
  watch(changed: () => void): void {
    this.#timer = setInterval(() => {
      this.#refresh()
        .then((outcome) => {
          if (outcome === 'changed') changed()
        })
        .catch((error: unknown) => {
          this.#deps.log.error(
            { err: error },
            'the revocation list could not be read: the earlier one stays in force',
          )
        })
    }, POLL_MS)
    this.#timer.unref()
  }

  stateOf(peer: VerifiedPeer, now: Date): State {
    const { issuerKey, identity } = peer
    const revokedAt = issuerKey === undefined ? undefined : this.#own.get(keyOf(issuerKey, identity.serial))
    if (revokedAt !== undefined) return { revokedAt }
    return this.#deps.lists().stateOf({ anchor: identity.anchor, issuerKey, serial: identity.serial }, now)
  }

  close(): Promise<void> {
    clearInterval(this.#timer)
    return Promise.resolve()
  }

  async #refresh(): Promise<'changed' | 'unchanged'> {
    const { catalog } = this.#deps
    const revision = await catalog.revocationRevision()
    if (revision === this.#revision) return 'unchanged'
    const revoked = await catalog.listRevoked()
    this.#own = new Map(revoked.map(({ issuerKey, serial, at }) => [keyOf(issuerKey, serial), at]))
    this.#revision = revision
    return 'changed'
  }
}

function keyOf(issuerKey: string, serial: string): string {
  return `${issuerKey} ${serial}`
}
