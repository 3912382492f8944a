import { AUDIT_ACTIONS, AUDIT_OUTCOMES, type AuditQuery, type AuditRecord } from '../catalog/catalog.ts'
import { parseRepositoryName } from '../chart/repository-name.ts'
import { AppError } from '../errors.ts'
import { quoted } from '../text.ts'

/** What may be asked of the audit trail, as texts: the same on the command line and in a URL. */
export type AuditFilter = Readonly<Partial<Record<(typeof AUDIT_FILTERS)[number], string>>>

export const AUDIT_FILTERS = [
  'since',
  'until',
  'who',
  'repository',
  'action',
  'outcome',
  'before',
  'limit',
] as const

export const DEFAULT_AUDIT_LIMIT = 100

/** Times are absolute or, as `24h`, counted back from `now`. Throws `request-invalid`. */
export function parseAuditQuery(
  filter: AuditFilter,
  { now, mostEntries }: { readonly now: Date; readonly mostEntries: number },
): AuditQuery {
  const { since, until, who, repository, action, outcome, before, limit } = filter
  return {
    ...(since !== undefined && { since: parseTime('since', since, now) }),
    ...(until !== undefined && { until: parseTime('until', until, now) }),
    ...(who !== undefined && { who }),
    ...(repository !== undefined && {
      repository: parseRepositoryName(repository === '/' ? '' : repository),
    }),
    ...(action !== undefined && { action: parseWord('action', action, AUDIT_ACTIONS) }),
    ...(outcome !== undefined && { outcome: parseWord('outcome', outcome, AUDIT_OUTCOMES) }),
    ...(before !== undefined && { before: parsePosition(before) }),
    limit: limit === undefined ? DEFAULT_AUDIT_LIMIT : parseLimit(limit, mostEntries),
  }
}

/** Where the next page begins, for `before`. */
export function renderPosition({ at, id }: Pick<AuditRecord, 'at' | 'id'>): string {
  return `${id}@${at.toISOString()}`
}

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A date, or a date and time with its offset (RFC 3339). */
const TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/

function parseTime(name: string, text: string, now: Date): Date {
  const [, amount, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? []
  if (amount !== undefined)
    return new Date(now.getTime() - Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS])
  const time = TIME.test(text) ? new Date(text) : undefined
  if (time === undefined || Number.isNaN(time.getTime())) {
    throw new AppError(
      'request-invalid',
      `${name}: expected a time such as 24h, 2026-03-04 or 2026-03-04T12:00:00Z, not ${quoted(text)}`,
    )
  }
  return time
}

function parseWord<W extends string>(name: string, text: string, words: readonly W[]): W {
  const word = words.find((known) => known === text)
  if (word !== undefined) return word
  throw new AppError('request-invalid', `${name}: expected one of ${words.join(', ')}, not ${quoted(text)}`)
}

function parseLimit(text: string, mostEntries: number): number {
  const limit = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= mostEntries) return limit
  throw new AppError(
    'request-invalid',
    `limit: expected a number from 1 to ${mostEntries}, not ${quoted(text)}`,
  )
}

function parsePosition(text: string): NonNullable<AuditQuery['before']> {
  const [, id, time = ''] = /^(\d{1,15})@(\S+)$/.exec(text) ?? []
  const at = new Date(time)
  if (id !== undefined && !Number.isNaN(at.getTime())) return { id: Number(id), at }
  throw new AppError('request-invalid', `before: not a place in the audit trail: ${quoted(text)}`)
}
