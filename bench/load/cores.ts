import { execFileSync } from 'node:child_process'

/** The server has one core for itself, the load generator another. */
export const SERVER_CORE = 0
export const LOAD_CORE = 1

/** What stands before a command that is to run on these cores. */
export function pinnedTo(...cores: readonly number[]): readonly string[] {
  return ['taskset', '-c', cores.join(',')]
}

/** Every thread that this process has, and what they start from now on. */
export function pinThisProcess(core: number): void {
  execFileSync('taskset', ['-a', '-c', '-p', String(core), String(process.pid)], { stdio: 'ignore' })
}
