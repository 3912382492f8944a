import { Command, CommanderError } from 'commander'
import { AppError } from '../errors.ts'
import { addCert } from './cert.ts'
import { addConfig } from './config.ts'
import { type CliContext } from './context.ts'
import { EXIT } from './exit.ts'
import { addFsck } from './fsck.ts'
import { addGc } from './gc.ts'
import { addInit } from './init.ts'
import { addRepo } from './repo.ts'
import { addServe } from './serve.ts'

/** Runs one command line. Resolves with the exit status; what went wrong has been said on standard error. */
export async function runCommandLine(
  args: readonly string[],
  context: CliContext & { readonly version: string; readonly complain: (text: string) => void },
): Promise<number> {
  const status: { code: number } = { code: EXIT.ok }
  const program = createProgram(context, (code) => {
    status.code = code
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return status.code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
    if (!(error instanceof AppError)) throw error
    context.complain(`chartroom: ${error.message}\n`)
    return error.code === 'config-invalid' ? EXIT.usage : EXIT.failed
  }
}

function createProgram(
  context: CliContext & { readonly version: string; readonly complain: (text: string) => void },
  exitWith: (code: number) => void,
): Command {
  const program = new Command('chartroom')
    .description('A Helm chart repository with client certificates, uploads and provenance')
    .version(context.version)
    .configureOutput({
      writeOut: (text) => {
        context.print(text.trimEnd())
      },
      writeErr: context.complain,
    })
    .exitOverride()
  addInit(program, context)
  addServe(program, context)
  addCert(program, context)
  addRepo(program, context)
  addConfig(program, context)
  addFsck(program, context, exitWith)
  addGc(program, context)
  return program
}
