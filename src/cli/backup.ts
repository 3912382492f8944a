import { type Command } from 'commander'
import { backUp, backUpCerts } from '../app/backup.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'

export function addBackup(program: Command, context: CliContext): void {
  withConfigOptions(program.command('backup <folder>'))
    .description(
      'copy catalog and blobs, also while the server runs; into the same folder again, what is new',
    )
    .option('--with-certs', 'the certs folder too, with its private keys: whoever has the backup has them')
    .action(async (folder: string, flags: ConfigFlags & { readonly withCerts?: true }) => {
      const config = await loadConfig(flags, context.environment)
      if (flags.withCerts === true) {
        const target = await backUpCerts(config, folder)
        context.print(`PRIVATE KEYS are in ${target}: keep it as safe as ${config.certs}`)
      }
      const { copied, present, pruned } = await backUp(config, folder, context.now)
      context.print(`${copied} blobs copied, ${present} there already, ${pruned} of older backups removed`)
      context.print(`backed up to ${folder}`)
    })
}
