import { hostname, userInfo } from 'node:os'
import { type Actor } from '../catalog/catalog.ts'
import { type Environment } from '../config/env.ts'

/** What a command has of the world. */
export interface CliContext {
  readonly environment: Environment
  readonly now: () => Date
  /** A line of the answer, on standard output. */
  readonly print: (line: string) => void
  /** Aborted when the process is asked to end. */
  readonly terminated: AbortSignal
  /** To be called when the process is asked to read its files again. */
  readonly onHangup: (listener: () => void) => void
}

/** Who a change made on the command line is by: the operating system's user. */
export function cliActor({ now }: CliContext): Actor {
  return { who: `cli:${userName()}`, from: hostname(), requestId: 'cli', at: now() }
}

/** A user without an entry in passwd, as OpenShift makes them, has a number only. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
