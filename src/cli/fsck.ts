import { type Command } from 'commander'
import { readRepositorySettings } from '../app/repository-settings.ts'
import { loadConfig, type Config } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { checkIntegrity, describeFinding } from '../repository/check-integrity.ts'
import { type SettingsOf } from '../repository/settings.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { EXIT } from './exit.ts'
import { withStores } from './with-stores.ts'

export function addFsck(program: Command, context: CliContext, exitWith: (code: number) => void): void {
  withConfigOptions(program.command('fsck'))
    .description('read every version: its bytes are there, hash right, and verify; exit status 1 if not')
    .action(async (flags: ConfigFlags) => {
      const config = await loadConfig(flags, context.environment)
      const settingsOf = await readRepositorySettings(config)
      exitWith(await checkStores(context, config, settingsOf))
    })
}

/** Reads everything and says what is broken. Gives the exit status. */
export async function checkStores(
  context: CliContext,
  config: Config,
  settingsOf: SettingsOf,
): Promise<number> {
  const counts = { versions: 0, broken: 0, lenient: 0 }
  await withStores(config, async (stores) => {
    for await (const finding of checkIntegrity({ ...stores, settingsOf })) {
      counts.versions += 1
      if (finding.version.reading === 'lenient') counts.lenient += 1
      if (finding.problem === undefined) continue
      counts.broken += 1
      context.print(describeFinding(finding))
    }
  })
  if (counts.lenient > 0) context.print(`${counts.lenient} versions were imported leniently`)
  context.print(`${counts.versions} versions checked, ${counts.broken} broken`)
  return counts.broken === 0 ? EXIT.ok : EXIT.failed
}
