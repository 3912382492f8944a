import { type Command } from 'commander'
import { type ConfigFlags } from '../config/sources.ts'
import { releaseOffers } from '../mirror/decide.ts'
import { type CliContext } from './context.ts'
import { withConfigOptions } from './options.ts'
import { decideOnOffers } from './mirror-decision.ts'

export function addMirrorRelease(mirror: Command, context: CliContext): void {
  withConfigOptions(mirror.command('release <repository> <chart> [versions...]'))
    .description(
      'let through what quarantine or approval holds back; without versions, all of the chart that is held',
    )
    .action(async (repository: string, chart: string, versions: readonly string[], flags: ConfigFlags) => {
      const released = await decideOnOffers(context, { repository, chart, versions, flags }, releaseOffers)
      for (const { name, version } of released) context.print(`${name} ${version} released`)
    })
}
