import { once } from 'node:events'
import { type Command } from 'commander'
import { startServer } from '../app/server.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { createLog } from '../ops/log.ts'
import { type CliContext } from './context.ts'
import { initialise, type InitFlags } from './init.ts'
import { collect, withServerOptions } from './options.ts'
import { welcome } from './welcome.ts'

interface ServeFlags extends InitFlags {
  readonly init?: true
}

export function addServe(program: Command, context: CliContext): void {
  withServerOptions(program.command('serve'))
    .description('serve the repository over mTLS until told to stop')
    .option('--init', 'first make what is missing, as "chartroom init" does')
    .option('--name <host>', 'with --init: another name in the server certificate (may be repeated)', collect)
    .action(async ({ init, name = [], ...flags }: ServeFlags) => {
      const config =
        init === true
          ? await initialise(context, { ...flags, name })
          : await loadConfig(flags, context.environment)
      await serveUntilTerminated(context, config)
    })
}

async function serveUntilTerminated(context: CliContext, config: Config): Promise<void> {
  const log = createLog(config.log.level)
  const server = await startServer(config, { log, now: context.now })
  context.print(await welcome(config, server))
  if (!context.terminated.aborted) await once(context.terminated, 'abort')
  log.info('draining')
  await server.close()
  log.info('stopped')
}
