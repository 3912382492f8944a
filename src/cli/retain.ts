import { type Command } from 'commander'
import { readRepositorySettings } from '../app/repository-settings.ts'
import { describeRepository, type RepositoryName } from '../chart/repository-name.ts'
import { loadConfig } from '../config/load.ts'
import { type ConfigFlags } from '../config/sources.ts'
import { AppError } from '../errors.ts'
import { retain } from '../repository/retain.ts'
import { cliActor, type CliContext } from './context.ts'
import { parseRepositoryArgument } from './key-section.ts'
import { withConfigOptions } from './options.ts'
import { withCatalog, withCatalogAsItIs } from './with-catalog.ts'

interface RetainFlags extends ConfigFlags {
  readonly repository?: RepositoryName
  readonly apply?: true
}

const DESCRIPTION =
  'say what the retention of the repositories would delete, or delete it; to be run regularly, also while the server runs'

export function addRetain(program: Command, context: CliContext): void {
  withConfigOptions(program.command('retain'))
    .description(DESCRIPTION)
    .option('--repository <name>', 'in this one only; / is the root repository', parseRepositoryArgument)
    .option('--apply', 'delete it')
    .action((flags: RetainFlags) => run(context, flags))
}

async function run(context: CliContext, flags: RetainFlags): Promise<void> {
  const { repository, apply } = flags
  const config = await loadConfig(flags, context.environment)
  const settingsOf = await readRepositorySettings(config)
  const request = {
    effect: apply === true ? 'withdraw' : 'rehearse',
    actor: cliActor(context),
    ...(repository !== undefined && { repository }),
  } as const
  const open = apply === true ? withCatalog : withCatalogAsItIs
  const verb = apply === true ? 'deleted' : 'would be deleted'
  let count = 0
  await open(config, async (catalog) => {
    for await (const { version, reason } of retain({ catalog, settingsOf }, request)) {
      const place = describeRepository(version.repository)
      context.print(`${place}: ${version.name} ${version.version} ${verb}: ${reason}`)
      count += 1
      if (context.terminated.aborted) throw interrupted()
    }
  })
  const next = apply === true ? '"chartroom gc" frees their space' : '--apply does it'
  context.print(`${count} versions ${verb}${count === 0 ? '' : `; ${next}`}`)
}

function interrupted(): AppError {
  return new AppError('request-aborted', 'interrupted; the same command goes on where this one stopped')
}
