import { Cron } from 'croner'
import { type MirrorSettings } from './mirror.ts'

/**
 * When a mirror is to be synchronised next: the first time of its schedule after the last run, or after now where there
 * was none, and later than that by chance. In the past where a run was missed, as no server was there.
 */
export function nextSync(
  { schedule, jitter }: Pick<MirrorSettings, 'schedule' | 'jitter'>,
  {
    lastSync,
    now,
    random,
  }: { readonly lastSync: Date | undefined; readonly now: Date; readonly random: () => number },
): Date | undefined {
  if (schedule === undefined) return undefined
  const due = new Cron(schedule, { mode: '5-part', paused: true }).nextRun(lastSync ?? now)
  return due === null ? undefined : new Date(due.getTime() + random() * jitter)
}
