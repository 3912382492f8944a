import { type Command } from 'commander'
import { readRepositorySettings } from '../app/repository-settings.ts'
import { parseChartName } from '../chart/name.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { parseChartVersion } from '../chart/version.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { operatorAuthorisation } from '../policy/policy.ts'
import { promote } from '../repository/promote.ts'
import { cliActor, type CliContext } from './context.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { withConfigOptions } from './options.ts'
import { withStores } from './with-stores.ts'

interface PromoteFlags extends ConfigFlags {
  readonly from: RepositoryName
  readonly to: RepositoryName
}

export function addPromote(program: Command, context: CliContext): void {
  withConfigOptions(program.command('promote <chart> <version>'))
    .description('publish a version of one repository in another, also while the server runs')
    .requiredOption('--from <repository>', 'where it is; / is the root repository', parseRepositoryArgument)
    .requiredOption('--to <repository>', 'where it goes', parseRepositoryArgument)
    .action(async (chart: string, version: string, flags: PromoteFlags) => {
      const config = await loadConfig(flags, context.environment)
      const settingsOf = await readRepositorySettings(config)
      const promoted = await withStores(config, (stores) =>
        promote(
          { ...stores, settingsOf },
          {
            authorisation: operatorAuthorisation('publish', flags.to),
            source: operatorAuthorisation('read', flags.from),
            name: parseChartName(chart),
            version: parseChartVersion(version),
            force: 'unforced',
            actor: cliActor(context),
          },
        ),
      )
      const { name, version: text, digest } = promoted.version
      context.print(`${describeRepository(flags.to)}: ${name} ${text} ${promoted.outcome} (sha256:${digest})`)
    })
}
