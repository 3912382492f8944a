import { type Command } from 'commander'
import { type ConfigFlags } from '../config/sources.ts'
import { rejectOffers } from '../mirror/decide.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { decideOnOffers } from './mirror-decision.ts'

export function addMirrorReject(mirror: Command, context: CliContext): void {
  withConfigOptions(mirror.command('reject <repository> <chart> [versions...]'))
    .description(
      'never fetch them, until they are released; without versions, all of the chart that is not stored',
    )
    .action(async (repository: string, chart: string, versions: readonly string[], flags: ConfigFlags) => {
      const rejected = await decideOnOffers(context, { repository, chart, versions, flags }, rejectOffers)
      for (const { name, version } of rejected) context.print(`${name} ${version} rejected`)
    })
}
