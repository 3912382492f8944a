import { type Logger } from 'pino'
import { type InputStatus } from './reloadable.ts'

export interface Readiness {
  readonly ready: boolean
  /** `ok`, or why not, by the check's name. */
  readonly checks: Readonly<Record<string, string>>
  readonly inputs: readonly InputStatus[]
}

export interface ReadinessDeps {
  readonly log: Logger
  /** What must work for the server to be of use, by name. Each rejects when it does not. */
  readonly checks: Readonly<Record<string, () => Promise<void>>>
  /** What was read from files, and since when it is in force. A failed reload is told here; it does not end readiness. */
  readonly inputs: () => readonly InputStatus[]
}

/** A check that hangs is a check that fails. */
export const CHECK_TIMEOUT_MS = 3000

export async function checkReadiness({ checks, inputs, log }: ReadinessDeps): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        await within(check())
        return [name, 'ok'] as const
      } catch (error) {
        log.error({ check: name, err: error }, 'not ready')
        return [name, error instanceof Error ? error.message : 'failed'] as const
      }
    }),
  )
  const ready = results.every(([, result]) => result === 'ok')
  return { ready, checks: Object.fromEntries(results), inputs: inputs() }
}

async function within(check: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer within ${CHECK_TIMEOUT_MS} ms`))
    }, CHECK_TIMEOUT_MS)
  })
  await Promise.race([check, timeout]).finally(() => {
    clearTimeout(timer)
  })
}
