import { type SyncReport } from './sync.ts'

/** Whether the mirror has all that it may have: only what was refused for good is not here. */
export function isComplete({ outcome, upstreams, postponed }: SyncReport): boolean {
  return outcome === 'done' && postponed === 0 && upstreams.every((upstream) => upstream.outcome !== 'failed')
}

/** In one line, with the numbers that are always of interest and those that are not 0. */
export function describeSync(report: SyncReport): string {
  const { outcome, reason, upstreams, fetched, refused, held, unchanged, postponed } = report
  if (outcome === 'busy') return 'another process is at it'
  if (outcome === 'offline') return 'offline by its setting: no upstream is asked'
  const count = (of: 'gone' | 'withdrawn' | 'alarms'): number =>
    upstreams.reduce((total, upstream) => total + upstream[of], 0)
  const failed = upstreams.filter((upstream) => upstream.outcome === 'failed').map(({ name }) => name)
  const parts = [
    `${fetched.length} fetched, ${unchanged} unchanged, ${held.length} held, ${refused.length} refused`,
    ...numbered(count('gone'), 'gone'),
    ...numbered(count('withdrawn'), 'withdrawn'),
    ...numbered(count('alarms'), 'alarms'),
    ...numbered(postponed, 'left for the next run'),
    ...(failed.length > 0 ? [`not read: ${failed.join(' ')}`] : []),
  ]
  return `${parts.join(', ')}${reason === undefined ? '' : `; ${reason}`}`
}

function numbered(count: number, what: string): readonly string[] {
  return count === 0 ? [] : [`${count} ${what}`]
}
