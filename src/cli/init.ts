import { type Command } from 'commander'
import { configFilePath, loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { cliActor, type CliContext } from './context.ts'
import { initialiseCerts, initialiseConfig } from './initialise.ts'
import { collect, withServerOptions } from './options.ts'
import { withNewStores } from './with-stores.ts'

export interface InitFlags extends ConfigFlags {
  readonly name?: readonly string[]
}

export function addInit(program: Command, context: CliContext): void {
  withServerOptions(program.command('init'))
    .description('make what is missing: CA, server certificate, signing key, administrator, chartroom.yaml')
    .option('--name <host>', "another name or address in the server's certificate (may be repeated)", collect)
    .action(async (flags: InitFlags) => {
      await initialise(context, flags)
    })
}

/** Makes what is missing, says what it made, and gives the configuration in force. */
export async function initialise(context: CliContext, flags: InitFlags): Promise<Config> {
  const { name = [], ...configFlags } = flags
  const made = (file: string): void => {
    context.print(`made ${file}`)
  }
  await initialiseConfig(configFilePath(configFlags, context.environment), made)
  const config = await loadConfig(configFlags, context.environment)
  await withNewStores(config, ({ catalog }) =>
    initialiseCerts({ catalog, actor: cliActor(context), made }, config, name),
  )
  return config
}
