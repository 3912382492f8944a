import { type Digest } from '../chart/digest.ts'
import { type Actor, type VersionId } from './actor.ts'
import { type OfferAlarm } from './offers.ts'
import { appendAudit } from './sqlite-audit.ts'
import { type Query, type Writer } from './sqlite-connection.ts'

interface AlarmParameters {
  readonly repository: string
  readonly name: string
  readonly version: string
  readonly alarm: string
}

const WHERE = `repository_id = (SELECT id FROM repositories WHERE name = @repository)
               AND name = @name AND version = @version`

const LAST: Query<Omit<AlarmParameters, 'alarm'>, { alarm: string | null }> = {
  sql: `SELECT alarm FROM offers WHERE ${WHERE}`,
}

const NOTE: Query<AlarmParameters> = { sql: `UPDATE offers SET alarm = @alarm WHERE ${WHERE}` }

interface EventParameters {
  readonly repository: string
  readonly name: string
  readonly version: string
  readonly digest: Digest | null
  readonly at: string
  readonly by: string
  readonly kind: string
  readonly reason: string
}

/** As the trigger `change_announced` does for changes. */
const ANNOUNCE: Query<EventParameters> = {
  sql: `INSERT INTO events (id, kind, repository, chart, version, digest, changed_at, changed_by, alarm, detail)
        SELECT lower(hex(randomblob(16))), 'mirror-alarm', @repository, @name, @version, @digest, @at, @by,
               @kind, @reason
        WHERE EXISTS (SELECT 1 FROM webhooks)`,
}

export function raiseAlarm(tx: Writer, id: VersionId, alarm: OfferAlarm, by: Actor): 'raised' | 'known' {
  const { repository, name, version } = id
  const { kind, digest, reason, upstream } = alarm
  const text = `${kind} ${digest ?? ''}`
  if (tx.get(LAST, { repository, name, version })?.alarm === text) return 'known'
  tx.run(NOTE, { repository, name, version, alarm: text })
  const at = by.at.toISOString()
  tx.run(ANNOUNCE, { repository, name, version, digest: digest ?? null, at, by: by.who, kind, reason })
  appendAudit(tx, {
    ...by,
    action: 'mirror-alarm',
    outcome: 'refused',
    repository,
    chart: name,
    version,
    detail: `${kind}, ${upstream}: ${reason}`,
  })
  return 'raised'
}
