import { type Digest } from '../chart/digest.ts'
import { type ChartName } from '../chart/name.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type ChartVersion } from '../chart/version.ts'
import {
  type ChangeEvent,
  type ChangeKind,
  type Outbox,
  type WebhookProgress,
  type WebhookRecord,
} from './outbox.ts'
import { type AlarmKind } from './offers.ts'
import { type Query, type Reader, type SqliteConnection, type Writer } from './sqlite-connection.ts'
import { releaseLease, takeLease } from './sqlite-leases.ts'
import { type WriteQueue } from './write-queue.ts'

/** How many events one transaction removes at most. */
const PRUNE_BATCH = 500
const LEASE = 'webhooks'

interface WebhookRow {
  readonly url: string
  readonly cursor: number
  readonly attempts: number
  readonly next_attempt_at: string | null
  readonly last_error: string | null
  readonly last_error_at: string | null
  readonly newest: number
}

interface EventRow {
  readonly sequence: number
  readonly id: string
  readonly kind: ChangeKind
  readonly repository: RepositoryName
  readonly chart: ChartName
  readonly version: ChartVersion
  readonly digest: Digest | null
  readonly changed_at: string
  readonly changed_by: string
  readonly alarm: AlarmKind | null
  readonly detail: string | null
}

/** Also when all events are gone: SQLite keeps the last number for AUTOINCREMENT. */
const NEWEST = `coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)`

const REGISTER: Query<{ url: string; at: string }> = {
  sql: `INSERT INTO webhooks (url, cursor, named_at) VALUES (@url, ${NEWEST}, @at)
        ON CONFLICT (url) DO UPDATE SET named_at = max(named_at, excluded.named_at)`,
}

const FORGET: Query<{ before: string }> = { sql: 'DELETE FROM webhooks WHERE named_at < @before' }

const SELECT_WEBHOOK = `
  SELECT url, cursor, attempts, next_attempt_at, last_error, last_error_at, ${NEWEST} AS newest FROM webhooks`

const LIST: Query<object, WebhookRow> = { sql: `${SELECT_WEBHOOK} ORDER BY url` }
const FIND: Query<{ url: string }, WebhookRow> = { sql: `${SELECT_WEBHOOK} WHERE url = @url` }

const EVENTS: Query<{ after: number; limit: number }, EventRow> = {
  sql: `SELECT sequence, id, kind, repository, chart, version, digest, changed_at, changed_by, alarm, detail
        FROM events WHERE sequence > @after ORDER BY sequence LIMIT @limit`,
}

interface ProgressParameters {
  readonly url: string
  readonly cursor: number
  readonly attempts: number
  readonly nextAttemptAt: string | null
  readonly error: string | null
  readonly errorAt: string | null
}

const PROGRESS: Query<ProgressParameters> = {
  sql: `UPDATE webhooks
        SET cursor = @cursor, attempts = @attempts, next_attempt_at = @nextAttemptAt,
            last_error = coalesce(@error, last_error), last_error_at = coalesce(@errorAt, last_error_at)
        WHERE url = @url AND cursor <= @cursor`,
}

const PRUNE: Query<{ limit: number }> = {
  sql: `DELETE FROM events WHERE sequence IN (
          SELECT sequence FROM events
          WHERE sequence <= coalesce((SELECT min(cursor) FROM webhooks), ${NEWEST})
          ORDER BY sequence LIMIT @limit)`,
}

interface Connections {
  read<T>(fn: (tx: Reader) => T): Promise<T>
  write<T>(fn: (tx: Writer) => T): Promise<T>
}

export class SqliteOutbox implements Outbox {
  readonly #connections: Connections

  constructor(reader: SqliteConnection, writes: WriteQueue) {
    this.#connections = {
      read: async (fn) => Promise.resolve(reader.read(fn)),
      write: async (fn) => writes.write(fn),
    }
  }

  registerWebhooks(
    urls: readonly string[],
    { at, forgetBefore }: { readonly at: Date; readonly forgetBefore: Date },
  ): Promise<void> {
    return this.#connections.write((tx) => {
      for (const url of urls) tx.run(REGISTER, { url, at: at.toISOString() })
      tx.run(FORGET, { before: forgetBefore.toISOString() })
      tx.run(PRUNE, { limit: PRUNE_BATCH })
    })
  }

  listWebhooks(): Promise<readonly WebhookRecord[]> {
    return this.#connections.read((tx) => tx.all(LIST, {}).map(webhookFromRow))
  }

  findWebhook(url: string): Promise<WebhookRecord | undefined> {
    return this.#connections.read((tx) => {
      const row = tx.get(FIND, { url })
      return row && webhookFromRow(row)
    })
  }

  listEvents(after: number, limit: number): Promise<readonly ChangeEvent[]> {
    return this.#connections.read((tx) => tx.all(EVENTS, { after, limit }).map(eventFromRow))
  }

  recordProgress(url: string, { cursor, attempts, nextAttemptAt, failure }: WebhookProgress): Promise<void> {
    return this.#connections.write((tx) => {
      tx.run(PROGRESS, {
        url,
        cursor,
        attempts,
        nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
        error: failure?.reason ?? null,
        errorAt: failure?.at.toISOString() ?? null,
      })
      tx.run(PRUNE, { limit: PRUNE_BATCH })
    })
  }

  takeLease(
    owner: string,
    times: { readonly now: Date; readonly until: Date },
  ): Promise<'held' | 'held-elsewhere'> {
    return takeLease(this.#connections, { name: LEASE, owner }, times)
  }

  releaseLease(owner: string): Promise<void> {
    return this.#connections.write((tx) => {
      releaseLease(tx, LEASE, owner)
    })
  }
}

function webhookFromRow(row: WebhookRow): WebhookRecord {
  return {
    url: row.url,
    cursor: row.cursor,
    attempts: row.attempts,
    backlog: row.newest - row.cursor,
    ...(row.next_attempt_at === null ? {} : { nextAttemptAt: new Date(row.next_attempt_at) }),
    ...(row.last_error === null || row.last_error_at === null
      ? {}
      : { failure: { reason: row.last_error, at: new Date(row.last_error_at) } }),
  }
}

function eventFromRow(row: EventRow): ChangeEvent {
  const { sequence, id, kind, repository, chart, version, digest, alarm, detail } = row
  return {
    sequence,
    id,
    kind,
    repository,
    chart,
    version,
    digest: digest ?? undefined,
    at: new Date(row.changed_at),
    by: row.changed_by,
    ...(alarm !== null && { alarm: { kind: alarm, reason: detail ?? '' } }),
  }
}
