import { type Force } from '../../repository/overwrite.ts'

/** ChartMuseum's `?force` counts when present, whatever its value. */
export function forceOf(query: URLSearchParams): Force {
  return query.has('force') ? 'forced' : 'unforced'
}
