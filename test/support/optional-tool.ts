import { spawnSync } from 'node:child_process'

/**
 * Tests that need what not every machine has. On a developer's machine they are skipped, and say so; under CI, which
 * installs the tools, a missing one is a failure: a suite that never runs proves nothing.
 */

/** In a test or a `before`: goes on only where the command can be run. `untried` says what is not tried without it. */
export function requireTool(test: Mocha.Context, command: string, untried: string): void {
  if (!canRun(command)) skipWithoutTool(test, `${command} is not installed: ${untried}`)
}

/** Skips the test or, in a `before`, the suite. */
export function skipWithoutTool(test: Mocha.Context, why: string): never {
  warnOfMissingTool(why)
  return test.skip()
}

/** The same where there is no test yet that could be skipped. */
export function warnOfMissingTool(why: string): void {
  if (process.env['CI'] === 'true') throw new Error(`nothing is skipped under CI: ${why}`)
  console.warn(`SKIPPED: ${why}`)
}

/** Skips also under CI: for what nobody can install, such as a permission of the kernel or files beside the project. */
export function skipLoudly(test: Mocha.Context, why: string): never {
  console.warn(`SKIPPED: ${why}`)
  return test.skip()
}

/** Whatever its exit status: nginx, for one, does not know the option. */
function canRun(command: string): boolean {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined
}
