import { runCommandLine } from '../../src/cli/program.ts'
import { type Environment } from '../../src/config/env.ts'

export interface CommandResult {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly environment?: Environment
  readonly now?: Date
  /** As if standard error were a terminal of so many columns. */
  readonly columns?: number
  readonly terminated?: AbortSignal
}

/** `chartroom <arguments>` in this process, to its end. */
export async function runChartroom(
  args: readonly string[],
  { environment = {}, now, columns, terminated }: CommandOptions = {},
): Promise<CommandResult> {
  const said = { stdout: '', stderr: '' }
  const code = await runCommandLine(args, {
    environment,
    columns,
    now: () => now ?? new Date(),
    print: (line) => {
      said.stdout += `${line}\n`
    },
    complain: (text) => {
      said.stderr += text
    },
    terminated: terminated ?? new AbortController().signal,
    onHangup: () => undefined,
    version: '0.0.0-test',
  })
  return { code, ...said }
}
