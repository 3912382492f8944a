import { setTimeout } from 'node:timers/promises'
import { type Logger } from 'pino'
import { type Offers } from '../catalog/offers.ts'
import { describeRepository } from '../chart/repository-name.ts'
import { type Mirror } from './mirror.ts'
import { refreshActor } from './refresh.ts'

export interface ReleaseAgedDeps {
  readonly offers: Pick<Offers, 'openAged'>
  /** As configured now. */
  readonly mirrors: () => readonly Mirror[]
  readonly log: Logger
  readonly now: () => Date
}

/** How late a version may come out of quarantine. */
const PERIOD_MS = 30_000

/** Lets out of quarantine what has been in it for long enough, until it is told to end. */
export async function keepReleasing(deps: ReleaseAgedDeps, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await releaseAged(deps)
    // Rejects when it is broken off, which is as good as its end.
    await setTimeout(PERIOD_MS, undefined, { signal, ref: false }).catch(() => undefined)
  }
}

async function releaseAged({ offers, mirrors, log, now }: ReleaseAgedDeps): Promise<void> {
  for (const { repository } of mirrors()) {
    const mirror = describeRepository(repository)
    try {
      const at = now()
      const released = await offers.openAged(repository, at, refreshActor(at))
      if (released > 0) log.info({ mirror, released }, 'versions have come out of quarantine')
    } catch (error) {
      log.error({ err: error, mirror }, 'a mirror cannot release what has aged now')
    }
  }
}
