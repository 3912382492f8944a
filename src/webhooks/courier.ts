import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { type Outbox } from '../catalog/outbox.ts'
import { type Metrics } from '../ops/metrics.ts'
import { deliverPending, MOST_AGE_MS, type PendingDeps } from './deliver-pending.ts'
import { describeWebhook, type Webhook } from './webhook.ts'

export interface CourierDeps extends PendingDeps {
  readonly outbox: Outbox
  /** Those in force now. */
  readonly webhooks: () => readonly Webhook[]
  readonly metrics: Pick<Metrics, 'webhookDeliveries' | 'webhookBacklog'>
}

/** How soon a change is seen, in whatever process it was made. */
const POLL_MS = 500
/** How long a webhook with a backlog goes on with the settings that it had at the start. */
const TURN_MS = 5_000
/** After the catalog has failed. */
const PAUSE_MS = 10_000
/** How long a process that has died keeps the others from delivering. */
const LEASE_MS = 30_000
const RENEW_MS = 10_000
const REGISTER_MS = 3_600_000

/**
 * Tells the webhooks of changes, each for itself and one event at a time. Of several processes on one catalog, the one
 * that holds the lease does it.
 */
export class Courier {
  readonly #deps: CourierDeps
  readonly #owner = randomUUID()
  readonly #stop = new AbortController()
  readonly #busy = new Map<string, Promise<void>>()
  readonly #turns: Promise<void>
  #registered: { readonly urls: string; readonly at: number } | undefined
  #leaseUntil = 0

  constructor(deps: CourierDeps) {
    this.#deps = deps
    this.#turns = this.#takeTurns()
  }

  /** Breaks off what is under way; whoever delivers next repeats it. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#turns
    await Promise.all(this.#busy.values())
    if (this.#leaseUntil > 0) await this.#deps.outbox.releaseLease(this.#owner)
  }

  async #takeTurns(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const failed = await this.#turn().then(
        () => false,
        (error: unknown) => {
          this.#deps.log.error({ err: error }, 'webhooks cannot be served now')
          return true
        },
      )
      await this.#pause(failed ? PAUSE_MS : POLL_MS)
    }
  }

  async #turn(): Promise<void> {
    const { outbox, metrics } = this.#deps
    const webhooks = this.#deps.webhooks()
    const urls = webhooks.map(({ url }) => url.href)
    await this.#register(urls)
    if (urls.length === 0 || !(await this.#takeLease())) {
      metrics.webhookBacklog.set(0)
      return
    }
    for (const webhook of webhooks) this.#attend(webhook)
    const records = (await outbox.listWebhooks()).filter(({ url }) => urls.includes(url))
    metrics.webhookBacklog.set(records.reduce((sum, { backlog }) => sum + backlog, 0))
  }

  /** Before anything is asked for, whenever the settings change, and now and then, to say that they still hold. */
  async #register(urls: readonly string[]): Promise<void> {
    const { outbox, now } = this.#deps
    const at = now()
    const named = JSON.stringify(urls)
    const { urls: before, at: last = 0 } = this.#registered ?? {}
    if (named === before && at.getTime() - last < REGISTER_MS) return
    // Nothing is written for a server that has never had a webhook.
    if (urls.length > 0 || (await outbox.listWebhooks()).length > 0) {
      await outbox.registerWebhooks(urls, { at, forgetBefore: new Date(at.getTime() - MOST_AGE_MS) })
    }
    this.#registered = { urls: named, at: at.getTime() }
  }

  async #takeLease(): Promise<boolean> {
    const { outbox, now } = this.#deps
    const at = now()
    if (this.#leaseUntil - at.getTime() > LEASE_MS - RENEW_MS) return true
    const until = new Date(at.getTime() + LEASE_MS)
    const lease = await outbox.takeLease(this.#owner, { now: at, until })
    this.#leaseUntil = lease === 'held' ? until.getTime() : 0
    return lease === 'held'
  }

  #attend(webhook: Webhook): void {
    const { log, now } = this.#deps
    const key = webhook.url.href
    if (this.#busy.has(key)) return
    const end = now().getTime() + TURN_MS
    const limits = {
      signal: this.#stop.signal,
      mayGoOn: () => !this.#stop.signal.aborted && Math.min(end, this.#leaseUntil) > now().getTime(),
    }
    const work = deliverPending(this.#deps, webhook, limits)
      .catch(async (error: unknown) => {
        log.error({ err: error, webhook: describeWebhook(webhook) }, 'a webhook cannot be served now')
        await this.#pause(PAUSE_MS)
      })
      .finally(() => this.#busy.delete(key))
    this.#busy.set(key, work)
  }

  async #pause(delayMs: number): Promise<void> {
    // Rejects when it is broken off, which is as good as its end.
    await setTimeout(delayMs, undefined, { signal: this.#stop.signal, ref: false }).catch(() => undefined)
  }
}
