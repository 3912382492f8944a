import { type MetricObjectWithValues, type MetricValue } from 'prom-client'
import { type ConfigFlags } from '../config/sources.ts'
import { type ErrorCode } from '../errors.ts'
import { type Readiness } from '../ops/readiness.ts'
import { type HeldSettings } from './hold-settings.ts'

/** What the supervisor and a worker say to each other. Between processes of one program, so nothing is validated. */

export type ToWorker =
  | {
      readonly kind: 'start'
      /** From which to load the same configuration as the supervisor's. */
      readonly flags: ConfigFlags
      readonly held: HeldSettings
    }
  | { readonly kind: 'reload' }
  /** Finish what is being served, and end. */
  | { readonly kind: 'drain' }
  | { readonly kind: 'ask'; readonly question: keyof Answers; readonly id: number }

export type FromWorker =
  | { readonly kind: 'serving'; readonly port: number }
  /** It cannot start, and ends. */
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answers[keyof Answers] }

export interface Answers {
  readonly metrics: MetricsList
  readonly readiness: Readiness
  /** That its event loop turns. */
  readonly pulse: true
}

/** As `Registry.getMetricsAsJSON` has it. */
export type MetricsList = readonly MetricObjectWithValues<MetricValue<string>>[]
