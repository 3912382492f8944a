import { type Offer } from '../catalog/offers.ts'

/** Why a version that an upstream offers may not be had; `undefined` when it may. */
export function reasonAgainst({ state, heldUntil, goneAt, stored, upstream }: Offer): string | undefined {
  if (stored === 'withdrawn') return 'it was deleted here'
  if (goneAt !== undefined) return `upstream ${upstream} has it no more`
  if (state === 'rejected') return 'it was rejected by an administrator'
  if (state === 'open') return undefined
  return heldUntil === undefined
    ? 'it is held back until an administrator releases it'
    : `it is held back until ${heldUntil.toISOString()}`
}
