import { once } from 'node:events'
import { type Command } from 'commander'
import { startServer, type Serving } from '../app/server.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { createLog } from '../ops/log.ts'
import { Supervisor } from '../processes/supervisor.ts'
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
      if (init === true) await initialise(context, { ...flags, name })
      await serveUntilTerminated(context, flags)
    })
}

async function serveUntilTerminated(context: CliContext, flags: ConfigFlags): Promise<void> {
  const load = (): Promise<Config> => loadConfig(flags, context.environment)
  const config = await load()
  const log = createLog(config.log.level)
  const server: Serving =
    config.workers === 1
      ? await startServer(load, { log, now: context.now })
      : await Supervisor.start({ config, flags, log })
  context.onHangup(() => {
    server.reload().catch((error: unknown) => {
      log.error({ err: error }, 'reloading failed')
    })
  })
  context.print(await welcome(config, server))
  if (!context.terminated.aborted) await once(context.terminated, 'abort')
  log.info('draining')
  await server.close()
  log.info('stopped')
}
