/** In the order of the tables. */
export const SERVING_NAMES = [
  'new-1k',
  'new-304',
  'new-index-300k',
  'new-index-10m',
  'keep-1k',
  'keep-304',
  'keep-30k',
  'keep-300k',
  'keep-1m',
  'keep-10m',
] as const

const QUICK_NAMES = ['stalled', 'helm', 'publish', 'visible', 'after-publish', 'start'] as const
const LONG_NAMES = ['workers', 'import', 'mirror', 'burst', 'soak', 'curve'] as const

export type ServingName = (typeof SERVING_NAMES)[number]
export type SizeName = (typeof QUICK_NAMES)[number] | (typeof LONG_NAMES)[number]
export type WorkName = ServingName | SizeName

export const DEFAULT_WORKS: readonly WorkName[] = [...SERVING_NAMES, ...QUICK_NAMES]
export const WORK_NAMES: readonly WorkName[] = [...DEFAULT_WORKS, ...LONG_NAMES]

export function isWorkName(text: string): text is WorkName {
  return WORK_NAMES.some((name) => name === text)
}
