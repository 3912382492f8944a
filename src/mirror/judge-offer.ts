import { type Offer, type OfferJudgement } from '../catalog/offers.ts'
import { type MirrorSettings } from './mirror.ts'
import { type UpstreamEntry } from './upstream-entry.ts'

export interface JudgeRules extends Pick<MirrorSettings, 'quarantine' | 'approve'> {
  readonly now: Date
  /** Whether this upstream has never been read before: then, and only then, what it says of its age is believed. */
  readonly isFirstReading: boolean
}

/** Whether a version may be had, or is held back, as its age and the settings say. */
export function judgeOffer(
  { createdAt }: Pick<UpstreamEntry, 'createdAt'>,
  known: Pick<Offer, 'agesFrom'> | undefined,
  { quarantine = 0, approve, now, isFirstReading }: JudgeRules,
): OfferJudgement {
  const isOld = isFirstReading && createdAt !== undefined && createdAt < now
  const agesFrom = known?.agesFrom ?? (isOld ? createdAt : now)
  if (approve) return { state: 'held', heldUntil: undefined, agesFrom }
  const heldUntil = new Date(agesFrom.getTime() + quarantine)
  return heldUntil > now
    ? { state: 'held', heldUntil, agesFrom }
    : { state: 'open', heldUntil: undefined, agesFrom }
}
