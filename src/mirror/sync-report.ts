import { type ArchiveReading } from '../chart/archive.ts'
import { type RepositoryName } from '../chart/repository-name.ts'
import { type RefreshReport } from './refresh-report.ts'

export interface SyncReport {
  readonly repository: RepositoryName
  /** `busy`: another process is at it. `offline`: nobody is to be asked. `stopped`: see `reason`. */
  readonly outcome: 'done' | 'stopped' | 'busy' | 'offline'
  readonly reason?: string
  /** How their indexes were read, what has gone there, and what was withdrawn here for that. */
  readonly upstreams: RefreshReport['upstreams']
  readonly fetched: readonly FetchedVersion[]
  readonly refused: readonly RefusedVersion[]
  readonly held: readonly HeldVersion[]
  /** Those that were here before. */
  readonly unchanged: number
  /** Those that are still to be fetched, refused ones aside. */
  readonly postponed: number
}

interface SyncedVersion {
  readonly name: string
  readonly version: string
  readonly upstream: string
}

export interface FetchedVersion extends SyncedVersion {
  readonly reading: ArchiveReading
}

export interface RefusedVersion extends SyncedVersion {
  readonly reason: string
}

export interface HeldVersion extends SyncedVersion {
  /** Absent: until it is released. */
  readonly until?: Date
}

/** Whether the mirror has all that it may have: nothing failed, was refused, or is left to the next run. */
export function isComplete({ outcome, upstreams, refused, postponed }: SyncReport): boolean {
  const isAllRead = upstreams.every((upstream) => upstream.outcome !== 'failed')
  return outcome === 'done' && isAllRead && refused.length === 0 && postponed === 0
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
    ...numbered(count('alarms'), count('alarms') === 1 ? 'alarm' : 'alarms'),
    ...numbered(postponed, 'left for the next run'),
    ...(failed.length > 0 ? [`not read: ${failed.join(' ')}`] : []),
  ]
  return `${parts.join(', ')}${reason === undefined ? '' : `; ${reason}`}`
}

function numbered(count: number, what: string): readonly string[] {
  return count === 0 ? [] : [`${count} ${what}`]
}
