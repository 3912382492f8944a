import { type Logger } from 'pino'
import { type ChangeEvent, type Outbox, type WebhookRecord } from '../catalog/outbox.ts'
import { type Metrics } from '../ops/metrics.ts'
import { backoffMs } from './backoff.ts'
import { deliver, type Attempt } from './deliver.ts'
import { changeMessage } from './message.ts'
import { describeWebhook, selectEvents, type Webhook } from './webhook.ts'

export interface PendingDeps {
  readonly outbox: Pick<Outbox, 'findWebhook' | 'listEvents' | 'recordProgress'>
  /** What clients use, with the context path. */
  readonly serverUrl: () => string
  readonly metrics: Pick<Metrics, 'webhookDeliveries'>
  readonly log: Logger
  readonly now: () => Date
  /** From 0 to 1. */
  readonly random: () => number
}

/** An event that is older is dropped as soon as an attempt at it fails. */
export const MOST_AGE_MS = 24 * 3_600_000

const BATCH = 100

/**
 * Sends the webhook, one after the other, what it has not been told yet, until there is nothing more, an attempt has
 * failed, or `mayGoOn` says no. An event is done with once its success is recorded: a crash in between repeats it.
 */
export async function deliverPending(
  deps: PendingDeps,
  webhook: Webhook,
  { signal, mayGoOn }: { readonly signal: AbortSignal; readonly mayGoOn: () => boolean },
): Promise<void> {
  const { outbox, now, serverUrl } = deps
  const isWanted = selectEvents(webhook)
  while (mayGoOn()) {
    const record = await outbox.findWebhook(webhook.url.href)
    if (record === undefined || (record.nextAttemptAt ?? now()) > now()) return
    const events = await outbox.listEvents(record.cursor, BATCH)
    const last = events.at(-1)
    if (last === undefined) return
    const event = events.find(isWanted)
    if (event === undefined) {
      await outbox.recordProgress(record.url, { cursor: last.sequence, attempts: 0 })
      continue
    }
    const attempt = await deliver(webhook, changeMessage(event, serverUrl()), { now, signal })
    // Broken off by us: it is neither a success nor the receiver's failure.
    if (signal.aborted && attempt.kind === 'failed') return
    await settle(deps, webhook, { record, event, attempt })
  }
}

interface Settled {
  readonly record: WebhookRecord
  readonly event: ChangeEvent
  readonly attempt: Attempt
}

async function settle(deps: PendingDeps, webhook: Webhook, settled: Settled): Promise<void> {
  const { outbox, metrics, log, now, random } = deps
  const { record, event, attempt } = settled
  const about = { webhook: describeWebhook(webhook), delivery: event.id, event: event.kind }
  if (attempt.kind === 'delivered') {
    await outbox.recordProgress(record.url, { cursor: event.sequence, attempts: 0 })
    metrics.webhookDeliveries.inc({ outcome: 'delivered' })
    log.debug({ ...about, status: attempt.status }, 'webhook delivered')
    return
  }
  const { reason } = attempt
  const failure = { at: now(), reason }
  if (now().getTime() - event.at.getTime() >= MOST_AGE_MS) {
    await outbox.recordProgress(record.url, { cursor: event.sequence, attempts: 0, failure })
    metrics.webhookDeliveries.inc({ outcome: 'dropped' })
    log.error({ ...about, reason, since: event.at }, 'webhook event dropped: it could not be delivered')
    return
  }
  const attempts = record.attempts + 1
  const nextAttemptAt = new Date(now().getTime() + backoffMs(attempts, random()))
  await outbox.recordProgress(record.url, { cursor: record.cursor, attempts, nextAttemptAt, failure })
  metrics.webhookDeliveries.inc({ outcome: 'failed' })
  log.warn({ ...about, reason, attempts, nextAttemptAt }, 'webhook not delivered: it is tried again')
}
