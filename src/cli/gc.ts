import { type Command } from 'commander'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { collectGarbage } from '../repository/collect-garbage.ts'
import { type CliContext } from './context.ts'
import { parseDuration, withConfigOptions } from './options.ts'
import { withStores } from './with-stores.ts'

/** Longer than any upload may take, so that no publish under way loses its blobs. */
const GRACE = '1h'

export function addGc(program: Command, context: CliContext): void {
  withConfigOptions(program.command('gc'))
    .description(
      'remove the blobs that nothing names any more; to be run regularly, also while the server runs',
    )
    .option(
      '--grace <duration>',
      `how long a blob must have been condemned by an earlier run (default: ${GRACE})`,
      parseDuration,
    )
    .action(async ({ grace = parseDuration(GRACE), ...flags }: ConfigFlags & { readonly grace?: number }) => {
      const config = await loadConfig(flags, context.environment)
      const options = { now: context.now(), graceMs: grace }
      const report = await withStores(config, (stores) => collectGarbage(stores, options))
      const waiting = report.unreferenced - report.removed
      context.print(`${report.removed} blobs removed, ${waiting} condemned and waiting`)
    })
}
