import { type Command } from 'commander'
import { readRepositorySettings } from '../app/repository-settings.ts'
import { restore } from '../app/restore.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { cliActor, type CliContext } from './context.ts'
import { checkStores } from './fsck.ts'
import { withConfigOptions } from './options.ts'

export function addRestore(program: Command, context: CliContext, exitWith: (code: number) => void): void {
  withConfigOptions(program.command('restore <folder>'))
    .description(
      'make an empty storage from a backup, then check it as fsck does; exit status 1 if it is broken',
    )
    .action(async (folder: string, flags: ConfigFlags) => {
      const config = await loadConfig(flags, context.environment)
      // First: without its keys, a server would not start on what is restored.
      const settingsOf = await readRepositorySettings(config)
      const { copied, backup } = await restore(folder, config.storage, cliActor(context))
      context.print(`${copied} blobs restored to ${config.storage}, as of ${backup.finishedAt}`)
      exitWith(await checkStores(context, config, settingsOf))
    })
}
