import { type PeerName } from '../servers/server.ts'
import { type Spread } from './statistics.ts'

/** What a run leaves in `bench/results/<work>.json`. */
export interface Result {
  readonly work: string
  readonly about: About
  /** What was asked for: rounds, seconds, sizes. */
  readonly settings: Readonly<Record<string, number | string>>
  readonly serving?: readonly ServingRow[]
  readonly checks?: readonly Check[]
  readonly curves?: readonly Curve[]
}

/** The machine and the programs. */
export interface About {
  readonly date: string
  readonly commit: string
  readonly cpu: string
  readonly cores: number
  readonly kernel: string
  readonly node: string
  readonly openssl: string
  /** Of each program that took part, what it says of itself. */
  readonly versions: Readonly<Record<string, string>>
}

/** One request: server CPU per request in microseconds, and ours divided by each peer's, pair by pair. */
export interface ServingRow {
  readonly title: string
  readonly cpuMicros: Readonly<Partial<Record<PeerName, Spread>>>
  readonly ratios: Readonly<Partial<Record<PeerName, Spread>>>
  /** The most that each ratio should be. */
  readonly targets: Readonly<Partial<Record<PeerName, number>>>
}

/** One figure beside its target. */
export interface Check {
  readonly title: string
  readonly value: number
  readonly unit: Unit
  readonly target?: Target
  /** What the figure was made from, by name with its unit. */
  readonly from?: Readonly<Record<string, number>>
}

export type Unit = 'ratio' | 'ms' | 's' | 'MB' | 'per second' | 'count'

export type Target = { readonly most: number } | { readonly least: number }

/** Cost against the number of versions in the repository. */
export interface Curve {
  readonly title: string
  readonly unit: 'ms'
  readonly lines: readonly Line[]
}

export interface Line {
  readonly name: string
  readonly points: readonly { readonly size: number; readonly value: number }[]
}

export function isMet(value: number, target: Target): boolean {
  return 'most' in target ? value <= target.most : value >= target.least
}
