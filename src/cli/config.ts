import { type Command } from 'commander'
import { dump } from 'js-yaml'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { type CliContext } from './context.ts'
import { withServerOptions } from './options.ts'

export function addConfig(program: Command, context: CliContext): void {
  const config = program.command('config').description('look at the configuration')
  withServerOptions(config.command('check'))
    .description('print the settings in force, secrets masked, or everything that is wrong with them')
    .action(async (flags: ConfigFlags) => {
      const { file, ...settings } = await loadConfig(flags, context.environment)
      context.print(`# from ${file ?? 'defaults, the environment and the command line; there is no file'}`)
      // Through JSON: there, a secret is masked.
      context.print(dump(JSON.parse(JSON.stringify(settings))).trimEnd())
    })
}
