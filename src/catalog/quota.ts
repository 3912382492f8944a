import { type Quota } from './catalog.ts'

export interface Holding {
  readonly versions: number
  readonly bytes: number
}

/** What adds nothing passes, also where the quota has become smaller than what is held. */
export function isBeyondQuota(quota: Quota | undefined, held: Holding, added: Holding): boolean {
  return (
    isBeyond(quota?.versions, held.versions, added.versions) ||
    isBeyond(quota?.bytes, held.bytes, added.bytes)
  )
}

function isBeyond(limit: number | undefined, held: number, added: number): boolean {
  return limit !== undefined && added > 0 && held + added > limit
}
