/** What the middle half of some measurements is, and its middle. */
export interface Spread {
  readonly lower: number
  readonly median: number
  readonly upper: number
}

/** Linear between the two nearest values (type 7 of Hyndman and Fan). `NaN` of nothing. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  const position = (sorted.length - 1) * q
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5)
}

export function spreadOf(values: readonly number[]): Spread {
  return { lower: quantile(values, 0.25), median: median(values), upper: quantile(values, 0.75) }
}

/** Of measurements that were taken in turns, ours beside theirs: what slows the machine slows both of a pair. */
export function pairedRatios(ours: readonly number[], theirs: readonly number[]): Spread {
  if (ours.length !== theirs.length) throw new Error('measurements without their pair')
  return spreadOf(ours.map((value, index) => value / (theirs[index] ?? Number.NaN)))
}
