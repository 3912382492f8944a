import { type Digest } from '../chart/digest.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import { type AlarmKind } from './offers.ts'

/** What a change to a version can be, and an alarm of a mirror; the words are those of the audit trail. */
export const CHANGE_KINDS = ['publish', 'overwrite', 'delete', 'attach-provenance', 'mirror-alarm'] as const
export type ChangeKind = (typeof CHANGE_KINDS)[number]

/**
 * What webhooks have still to be told of. Each change to a version, and each alarm of a mirror, becomes an event in the change's own transaction, as
 * long as there is a webhook at all, so that no event is lost and none is of a change that was not made. An event goes
 * once every webhook is done with it. A repository that is renamed keeps the events of its former name; one that is
 * deleted keeps its events too, and its deletion is none.
 */
export interface Outbox {
  /**
   * Makes the webhooks known: a new one begins with what changes from now on, any other goes on where it was. One that
   * was last named before `forgetBefore` is forgotten.
   */
  registerWebhooks(
    urls: readonly string[],
    times: { readonly at: Date; readonly forgetBefore: Date },
  ): Promise<void>
  /** By URL. */
  listWebhooks(): Promise<readonly WebhookRecord[]>
  findWebhook(url: string): Promise<WebhookRecord | undefined>
  /** In the order of the changes, across all repositories. */
  listEvents(after: number, limit: number): Promise<readonly ChangeEvent[]>
  /** Never moves a cursor back; of a webhook that is not known, nothing is kept. */
  recordProgress(url: string, progress: WebhookProgress): Promise<void>
  /** For one owner at a time, until it is released or out of date; who holds it extends it. */
  takeLease(
    owner: string,
    times: { readonly now: Date; readonly until: Date },
  ): Promise<'held' | 'held-elsewhere'>
  /** What another owner holds stays. */
  releaseLease(owner: string): Promise<void>
}

export interface ChangeEvent {
  /** Grows by one from event to event. */
  readonly sequence: number
  /** Of this event alone, in any catalog. */
  readonly id: string
  readonly kind: ChangeKind
  readonly repository: RepositoryName
  readonly chart: ChartName
  readonly version: ChartVersion
  /** Of the archive that the version had after the change, or before it was deleted; of an alarm, the one found. */
  readonly digest: Digest | undefined
  readonly at: Date
  readonly by: string
  readonly alarm?: { readonly kind: AlarmKind; readonly reason: string }
}

export interface WebhookProgress {
  /** The sequence number of the last event that is done with. */
  readonly cursor: number
  /** How often the next one has been tried in vain. */
  readonly attempts: number
  readonly nextAttemptAt?: Date
  /** Absent: the last one known stays. */
  readonly failure?: WebhookFailure
}

export interface WebhookRecord extends WebhookProgress {
  readonly url: string
  /** How many events come after the cursor, whether or not the webhook wants them. */
  readonly backlog: number
}

export interface WebhookFailure {
  readonly at: Date
  readonly reason: string
}
