import { type Command } from 'commander'
import { dump } from 'js-yaml'
import { renderJsonSchema } from '../config/json-schema.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { type CliContext } from './context.ts'
import { withServerOptions } from './options.ts'

export function addConfig(program: Command, context: CliContext): void {
  const config = program.command('config').description('look at the configuration')
  withServerOptions(config.command('check'))
    .description('print the settings in force, secrets masked, or everything that is wrong with them')
    .action(async (flags: ConfigFlags) => {
      // The rules are left out: they are `access` and `groups` once more, as they are understood.
      const { file, ...settings } = { ...(await loadConfig(flags, context.environment)), rules: undefined }
      context.print(`# from ${file ?? 'defaults, the environment and the command line; there is no file'}`)
      // Through JSON: there, a secret is masked.
      context.print(dump(JSON.parse(JSON.stringify(settings))).trimEnd())
    })
  config
    .command('schema')
    .description('print the JSON Schema of chartroom.yaml, for editors')
    .action(() => {
      context.print(renderJsonSchema())
    })
}
