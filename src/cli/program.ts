import { Command, CommanderError } from 'commander'
import { AppError } from '../errors.ts'
import { addCa } from './ca.ts'
import { addAudit } from './audit.ts'
import { addBackup } from './backup.ts'
import { addCert } from './cert.ts'
import { addConfig } from './config.ts'
import { EXIT } from './exit.ts'
import { addExport } from './export.ts'
import { addFsck } from './fsck.ts'
import { addGc } from './gc.ts'
import { addImport } from './import.ts'
import { addInit } from './init.ts'
import { addKey } from './key.ts'
import { addMirror } from './mirror.ts'
import { addPolicy } from './policy.ts'
import { addPromote } from './promote.ts'
import { addPublish, type PublishContext } from './publish.ts'
import { addPurge } from './purge.ts'
import { addRepo } from './repo.ts'
import { addRestore } from './restore.ts'
import { addRetain } from './retain.ts'
import { addServe } from './serve.ts'
import { addWebhook } from './webhook.ts'

/** Runs one command line. Resolves with the exit status; what went wrong has been said on standard error. */
export async function runCommandLine(args: readonly string[], context: PublishContext): Promise<number> {
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

function createProgram(context: PublishContext, exitWith: (code: number) => void): Command {
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
    // Of two --version, that after the command's name is the command's.
    .enablePositionalOptions()
  addInit(program, context)
  addServe(program, context)
  addCert(program, context)
  addCa(program, context)
  addKey(program, context, exitWith)
  addPublish(program, context, exitWith)
  addImport(program, context, exitWith)
  addExport(program, context)
  addPromote(program, context)
  addMirror(program, context, exitWith)
  addRepo(program, context)
  addWebhook(program, context)
  addConfig(program, context)
  addPolicy(program, context)
  addAudit(program, context)
  addFsck(program, context, exitWith)
  addGc(program, context)
  addRetain(program, context)
  addPurge(program, context)
  addBackup(program, context)
  addRestore(program, context, exitWith)
  return program
}
