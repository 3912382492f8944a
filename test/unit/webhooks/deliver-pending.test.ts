import { deepEqual, equal, match } from 'node:assert/strict'
import { pino } from 'pino'
import { type ChangeEvent, type WebhookProgress, type WebhookRecord } from '../../../src/catalog/outbox.ts'
import { Metrics } from '../../../src/ops/metrics.ts'
import { deliverPending, MOST_AGE_MS } from '../../../src/webhooks/deliver-pending.ts'
import { describeWebhook, type Webhook } from '../../../src/webhooks/webhook.ts'
import { AppError } from '../../../src/errors.ts'
import { digestOf, NOON, versionId } from '../../support/catalog-samples.ts'

/** What it is asked for and told, in memory. */
class FakeOutbox {
  record: WebhookRecord
  readonly events: readonly ChangeEvent[]

  constructor(events: readonly ChangeEvent[], record: Partial<WebhookRecord>) {
    this.events = events
    this.record = { url: 'https://localhost/hook?token=x', cursor: 0, attempts: 0, backlog: 0, ...record }
  }

  findWebhook(): Promise<WebhookRecord> {
    return Promise.resolve(this.record)
  }

  listEvents(after: number): Promise<readonly ChangeEvent[]> {
    return Promise.resolve(this.events.filter(({ sequence }) => sequence > after))
  }

  recordProgress(url: string, progress: WebhookProgress): Promise<void> {
    this.record = { url, backlog: 0, ...progress }
    return Promise.resolve()
  }
}

describe('deliverPending', () => {
  /** It cannot even be tried: nothing leaves this machine. */
  const webhook: Webhook = {
    url: new URL('https://localhost/hook?token=x'),
    repositories: [{ glob: '**' }],
    events: ['publish', 'delete'],
    timeoutMs: 1000,
    readSecret: () => Promise.reject(new AppError('key-unusable', 'no secret')),
    readCa: () => Promise.resolve(undefined),
  }

  function event(sequence: number, change: Partial<ChangeEvent> = {}): ChangeEvent {
    const { repository, name, version } = versionId('demo', '1.0.0')
    const id = `id-${sequence}`
    const shared = { repository, chart: name, version, digest: digestOf('x'), at: NOON, by: 'ci' }
    return { sequence, id, kind: 'publish', ...shared, ...change }
  }

  async function run(outbox: FakeOutbox, ageMs: number): Promise<readonly string[]> {
    const lines: string[] = []
    const deps = {
      outbox,
      serverUrl: () => 'https://charts.example.org',
      metrics: new Metrics(),
      log: pino({}, { write: (line: string) => lines.push(line) }),
      now: () => new Date(NOON.getTime() + ageMs),
      random: () => 1,
    }
    await deliverPending(deps, webhook, { signal: new AbortController().signal, mayGoOn: () => true })
    return lines
  }

  it('keeps an event that failed for the next attempt, later each time', async () => {
    const outbox = new FakeOutbox([event(1), event(2)], { attempts: 2 })
    const [line, ...others] = await run(outbox, MOST_AGE_MS - 1)
    const now = NOON.getTime() + MOST_AGE_MS - 1
    deepEqual(
      [outbox.record.cursor, outbox.record.attempts, outbox.record.nextAttemptAt?.getTime()],
      [0, 3, now + 4000],
    )
    equal(others.length, 0)
    match(String(line), /"reason":"no secret","attempts":3/)
    equal(line?.includes('token'), false)
  })

  it('drops an event that failed and is too old, says so, and goes on with the next', async () => {
    const young = event(2, { at: new Date(NOON.getTime() + 1) })
    const outbox = new FakeOutbox([event(1), young], { attempts: 200 })
    const [dropped, retried] = await run(outbox, MOST_AGE_MS)
    deepEqual([outbox.record.cursor, outbox.record.attempts], [1, 1])
    match(String(dropped), /"level":50.*"delivery":"id-1".*webhook event dropped/)
    match(String(retried), /"level":40.*"delivery":"id-2"/)
  })

  it('passes over what the webhook does not want to know', async () => {
    const outbox = new FakeOutbox([event(1, { kind: 'overwrite' }), event(2, { kind: 'overwrite' })], {})
    deepEqual(await run(outbox, 0), [])
    equal(outbox.record.cursor, 2)
  })

  it('leaves a receiver alone until its next attempt is due', async () => {
    const outbox = new FakeOutbox([event(1)], { nextAttemptAt: new Date(NOON.getTime() + 1) })
    deepEqual(await run(outbox, 0), [])
    equal((await run(outbox, 1)).length, 1)
  })

  it('shows no query of a URL', () => {
    equal(describeWebhook(webhook), 'https://localhost/hook')
  })
})
