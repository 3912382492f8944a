import { type AppError } from '../../src/errors.ts'

/** `fail`: nothing has been done. `fail-but-persist`: it has been done, and only the answer got lost. */
export type Fault = 'fail' | 'fail-but-persist'

/** One call that goes wrong: the `call`-th of the step from when it is armed, and no other. */
export interface PlannedFault<Step> {
  readonly step: Step
  readonly call: number
  readonly fault: Fault
  readonly error: AppError
}

/** Counts calls and lets the planned one go wrong. */
export class Faults<Step> {
  #planned: PlannedFault<Step> | undefined
  #calls = 0

  arm(planned: PlannedFault<Step>): void {
    this.#planned = planned
    this.#calls = 0
  }

  /** Whether the planned call has not come yet. */
  get isArmed(): boolean {
    return this.#planned !== undefined
  }

  async pass(step: Step, call: () => Promise<unknown>): Promise<unknown> {
    const planned = this.#planned
    if (planned?.step !== step) return call()
    this.#calls += 1
    if (this.#calls < planned.call) return call()
    this.#planned = undefined
    if (planned.fault === 'fail-but-persist') await call()
    throw planned.error
  }
}
