import { type Check } from '../report/result.ts'
import { median, quantile } from '../report/statistics.ts'
import { type Step } from './changing-upstream.ts'

/** Something that took its time; in milliseconds on one clock. */
export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

export interface Refresh extends Span {
  readonly step: Step
  /** The longest block of the event loop meanwhile. */
  readonly blockMs: number
}

export interface MirrorRun {
  readonly title: string
  readonly refreshes: readonly Refresh[]
  /** Whole answers to readers of the index. */
  readonly reads: readonly Span[]
  /** The longest blocks of the event loop between the refreshes. */
  readonly quietBlocksMs: readonly number[]
}

export function mirrorChecks({ title, refreshes, reads, quietBlocksMs }: MirrorRun): readonly Check[] {
  return [
    ...durations(title, refreshes),
    p99Check(title, refreshes, reads),
    {
      title: `longest block of the event loop during a mirror's refresh, ${title}`,
      value: Math.max(...refreshes.map(({ blockMs }) => blockMs)),
      unit: 'ms',
      target: { most: 50 },
      from: {
        ...byStep(refreshes, ({ blockMs }) => blockMs),
        'between refreshes, median': median(quietBlocksMs),
      },
    },
  ]
}

function durations(title: string, refreshes: readonly Refresh[]): readonly Check[] {
  const took = byStep(refreshes, ({ fromMs, toMs }) => toMs - fromMs)
  return Object.entries(took).map(([step, value]) => ({
    title: `refresh of a mirror, ${title}: ${step}`,
    value,
    unit: 'ms',
  }))
}

/** Of those that readers wait behind; before the first there is nothing to be served. */
function p99Check(title: string, refreshes: readonly Refresh[], reads: readonly Span[]): Check {
  const later = refreshes.filter(({ step }) => step !== 'first')
  const isBusy = (read: Span): boolean => refreshes.some((refresh) => overlap(read, refresh))
  const isDuring = (read: Span): boolean => later.some((refresh) => overlap(read, refresh))
  const during = reads.filter(isDuring).map(lengthOf)
  const quiet = reads.filter((read) => !isBusy(read)).map(lengthOf)
  return {
    title: `index GET during a mirror's refresh ÷ between refreshes, p99, ${title}`,
    value: quantile(during, 0.99) / quantile(quiet, 0.99),
    unit: 'ratio',
    from: {
      'during, p99, ms': quantile(during, 0.99),
      'between, p99, ms': quantile(quiet, 0.99),
      'during, median, ms': median(during),
      'between, median, ms': median(quiet),
      'GETs during': during.length,
      'GETs between': quiet.length,
    },
  }
}

/** The median of each kind. */
function byStep(refreshes: readonly Refresh[], read: (refresh: Refresh) => number): Record<string, number> {
  const steps = Map.groupBy(refreshes, ({ step }) => step)
  return Object.fromEntries([...steps].map(([step, own]) => [step, median(own.map(read))]))
}

function overlap(one: Span, other: Span): boolean {
  return one.fromMs < other.toMs && other.fromMs < one.toMs
}

function lengthOf({ fromMs, toMs }: Span): number {
  return toMs - fromMs
}
